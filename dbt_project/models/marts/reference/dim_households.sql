{{ config(tags=['ledger']) }}

select distinct
    household_id,
    household_code
from {{ ref('stg_books__investors') }}
