with strategies as (
    {{ now_known(source('books', 'strategies'), ['strategy_key']) }}
)

select
    strategy_ids.surrogate_id as strategy_id,
    strategies.strategy_key as strategy_code,
    strategies.name as strategy_name,
    portfolio_ids.surrogate_id as portfolio_id
from strategies
inner join {{ ref('stg_books__identities') }} as strategy_ids
    on strategy_ids.identity_kind = 'strategy' and strategies.strategy_key = strategy_ids.source_key
inner join {{ ref('stg_books__identities') }} as portfolio_ids
    on portfolio_ids.identity_kind = 'portfolio' and strategies.portfolio_key = portfolio_ids.source_key
