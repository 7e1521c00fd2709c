-- The initial value and what changed it make the final value, to the last decimal.
select
    portfolio_id,
    period,
    initial_value_portfolio,
    final_value_portfolio
from {{ ref('fct_period_results') }}
where
    gains_portfolio is not null
    and initial_value_portfolio + gains_portfolio + income_portfolio - fees_portfolio - taxes_portfolio
    + currency_effect_portfolio + net_flow_portfolio <> final_value_portfolio
