{{ config(tags=['ledger']) }}

select
    instrument_id,
    valid_from,
    expense_ratio,
    riskometer,
    benchmark_id,
    {{ until_next_set('instrument_id') }} as valid_to
from {{ ref('stg_books__fund_terms') }}
