-- Every dimension divides the whole value.
with added_up as (
    select
        portfolio_id,
        valuation_date,
        dimension,
        sum(value_portfolio) as value_portfolio
    from {{ ref('fct_allocations') }}
    group by portfolio_id, valuation_date, dimension
    having count(*) = count(value_portfolio)
)

select
    added_up.portfolio_id,
    added_up.valuation_date,
    added_up.dimension,
    added_up.value_portfolio as value_of_buckets,
    portfolio_values.value_portfolio
from added_up
inner join {{ ref('fct_portfolio_values_daily') }} as portfolio_values
    on
        added_up.portfolio_id = portfolio_values.portfolio_id
        and added_up.valuation_date = portfolio_values.valuation_date
where abs(added_up.value_portfolio - portfolio_values.value_portfolio) > 0.01
