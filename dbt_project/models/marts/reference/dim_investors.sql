{{ config(tags=['ledger']) }}

select
    investor_id,
    investor_code,
    household_id,
    tax_unit_id,
    residency,
    risk_profile
from {{ ref('stg_books__investors') }}
