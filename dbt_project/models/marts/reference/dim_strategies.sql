{{ config(tags=['ledger']) }}

select
    strategies.strategy_id,
    strategies.strategy_code,
    strategies.strategy_name,
    strategies.portfolio_id,
    portfolios.portfolio_currency as strategy_currency
from {{ ref('stg_books__strategies') }} as strategies
inner join {{ ref('stg_books__portfolios') }} as portfolios
    on strategies.portfolio_id = portfolios.portfolio_id
