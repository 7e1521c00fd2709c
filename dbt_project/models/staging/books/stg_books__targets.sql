with targets as (
    {{ now_known(source('books', 'targets'), ['portfolio_key', 'instrument_key', 'valid_from']) }}
)

select
    portfolio_ids.surrogate_id as portfolio_id,
    instrument_ids.surrogate_id as instrument_id,
    targets.valid_from,
    targets.weight as target_weight
from targets
inner join {{ ref('stg_books__identities') }} as portfolio_ids
    on portfolio_ids.identity_kind = 'portfolio' and targets.portfolio_key = portfolio_ids.source_key
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and targets.instrument_key = instrument_ids.source_key
