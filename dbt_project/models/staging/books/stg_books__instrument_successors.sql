with successors as (
    {{ now_known(source('books', 'instrument_successors'), ['instrument_key', 'kind', 'effective_date']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    successors.kind as action_kind,
    successors.effective_date,
    successor_ids.surrogate_id as successor_id,
    successors.successor_key as successor_code,
    successors.ratio,
    successors.cash as cash_per_unit_local,
    successors.cost_share,
    successors.observed_at,
    successors.known_basis,
    successors.load_id
from successors
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and successors.instrument_key = instrument_ids.source_key
left join {{ ref('stg_books__identities') }} as successor_ids
    on successor_ids.identity_kind = 'instrument' and successors.successor_key = successor_ids.source_key
