{{ config(tags=['ledger']) }}

select
    instrument_id,
    valid_from,
    held_days_below,
    exit_load,
    {{ until_next_set('instrument_id') }} as valid_to
from {{ ref('stg_books__exit_loads') }}
