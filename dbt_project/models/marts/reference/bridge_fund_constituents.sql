{{ config(tags=['ledger']) }}

select
    instrument_id,
    valid_from,
    constituent_code,
    constituent_name,
    sector,
    weight,
    {{ until_next_set('instrument_id') }} as valid_to
from {{ ref('stg_books__fund_constituents') }}
