-- Accounts in their own currency at the day's rate, on the valuation date, up to the rounding of rates.
with added_up as (
    select
        account_values.portfolio_id,
        account_values.valuation_date,
        sum(account_values.value_account * rates.rate) as value_portfolio
    from {{ ref('fct_account_values_daily') }} as account_values
    inner join {{ ref('stg_ops__night') }} as night
        on account_values.valuation_date = night.valuation_date
    inner join {{ ref('dim_portfolios') }} as portfolios
        on account_values.portfolio_id = portfolios.portfolio_id
    inner join {{ ref('fct_fx_rates_daily') }} as rates
        on
            account_values.account_currency = rates.from_currency
            and portfolios.portfolio_currency = rates.to_currency
            and account_values.valuation_date = rates.valuation_date
    group by account_values.portfolio_id, account_values.valuation_date
)

select
    added_up.portfolio_id,
    added_up.value_portfolio as value_of_accounts,
    portfolio_values.value_portfolio
from added_up
inner join {{ ref('int_portfolio_values_daily') }} as portfolio_values
    on
        added_up.portfolio_id = portfolio_values.portfolio_id
        and added_up.valuation_date = portfolio_values.valuation_date
where
    abs(added_up.value_portfolio - portfolio_values.value_portfolio)
    > greatest(0.01, abs(portfolio_values.value_portfolio) * 0.000000001)
