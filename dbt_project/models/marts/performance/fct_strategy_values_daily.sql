{{ config(tags=['measures']) }}

with indexed as (
    select
        strategies.strategy_id,
        portfolio_values.valuation_date,
        portfolio_values.daily_return,
        portfolio_values.cumulative_twr,
        strategies.strategy_currency,
        portfolio_values.quality,
        portfolio_values.oldest_price_date,
        portfolio_values.carried_share,
        portfolio_values.method_version,
        100 * (1 + portfolio_values.cumulative_twr) as index_value
    from {{ ref('dim_strategies') }} as strategies
    inner join {{ ref('fct_portfolio_values_daily') }} as portfolio_values
        on strategies.portfolio_id = portfolio_values.portfolio_id
)

select
    strategy_id,
    valuation_date,
    daily_return,
    cumulative_twr,
    strategy_currency,
    quality,
    oldest_price_date,
    carried_share,
    method_version,
    cast(index_value as numeric(28, 12)) as index_value,
    cast(
        index_value / greatest(
            100, max(index_value) over (
                partition by strategy_id order by valuation_date
                rows between unbounded preceding and current row
            )
        ) - 1 as numeric(20, 12)
    ) as drawdown
from indexed
