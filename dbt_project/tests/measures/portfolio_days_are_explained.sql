-- Flows, income, fees, taxes, gains and currency since the first day make the value, to the last decimal.
with explained as (
    select
        portfolio_id,
        valuation_date,
        value_portfolio,
        sum(
            deposits_start_portfolio + deposits_end_portfolio - withdrawals_portfolio
            + income_portfolio - fees_portfolio - taxes_portfolio
            + coalesce(gains_portfolio, 0) + coalesce(currency_effect_portfolio, 0)
        ) over (partition by portfolio_id order by valuation_date) as added_up
    from {{ ref('fct_portfolio_values_daily') }}
)

select *
from explained
where value_portfolio <> added_up
