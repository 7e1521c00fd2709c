{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('measures') }}"],
        on_schema_change='fail',
        tags=['measures']
    )
}}

select
    portfolio_values.portfolio_id,
    portfolio_values.valuation_date,
    portfolio_values.value_portfolio,
    portfolio_values.known_part_value_portfolio,
    portfolio_values.deposits_start_portfolio,
    portfolio_values.withdrawals_portfolio,
    portfolio_values.deposits_end_portfolio,
    portfolio_values.net_flow_portfolio,
    portfolio_values.income_portfolio,
    portfolio_values.fees_portfolio,
    portfolio_values.taxes_portfolio,
    portfolio_values.gains_portfolio,
    portfolio_values.currency_effect_portfolio,
    portfolio_returns.daily_return,
    portfolio_returns.cumulative_twr,
    portfolio_values.portfolio_currency,
    portfolio_values.quality,
    portfolio_values.oldest_price_date,
    portfolio_values.carried_share,
    'returns-1' as method_version
from {{ ref('int_portfolio_values_daily') }} as portfolio_values
left join {{ ref('stg_computed__portfolio_returns_daily') }} as portfolio_returns
    on
        portfolio_values.portfolio_id = portfolio_returns.portfolio_id
        and portfolio_values.valuation_date = portfolio_returns.valuation_date
where portfolio_values.valuation_date >= {{ first_touched_day('measures') }}
