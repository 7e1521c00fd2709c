with actions as (
    {{ now_known(source('books', 'corporate_actions'), ['instrument_key', 'kind', 'ex_date']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    actions.kind as action_kind,
    actions.ex_date,
    actions.ratio,
    actions.amount as cash_per_unit_local,
    actions.observed_at,
    actions.known_basis,
    actions.load_id
from actions
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and actions.instrument_key = instrument_ids.source_key
