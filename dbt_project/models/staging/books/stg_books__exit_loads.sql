with exit_loads as (
    {{ now_known(source('books', 'exit_loads'), ['instrument_key', 'valid_from', 'held_days_below']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    exit_loads.valid_from,
    exit_loads.held_days_below,
    exit_loads.exit_load
from exit_loads
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and exit_loads.instrument_key = instrument_ids.source_key
