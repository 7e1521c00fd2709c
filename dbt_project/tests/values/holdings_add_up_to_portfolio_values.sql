-- Holding by holding in portfolio currency, against totals made by currency.
with added_up as (
    select
        portfolio_id,
        valuation_date,
        case when count(*) = count(value_portfolio) then sum(value_portfolio) end as value_portfolio
    from {{ ref('fct_holdings') }}
    group by portfolio_id, valuation_date
)

select
    added_up.portfolio_id,
    added_up.valuation_date,
    added_up.value_portfolio as value_of_holdings,
    portfolio_values.value_portfolio
from added_up
inner join {{ ref('int_portfolio_values_daily') }} as portfolio_values
    on
        added_up.portfolio_id = portfolio_values.portfolio_id
        and added_up.valuation_date = portfolio_values.valuation_date
where
    (added_up.value_portfolio is null) <> (portfolio_values.value_portfolio is null)
    or abs(added_up.value_portfolio - portfolio_values.value_portfolio) > 0.01
