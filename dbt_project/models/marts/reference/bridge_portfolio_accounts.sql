{{ config(tags=['ledger']) }}

select
    portfolio_id,
    account_id,
    opened_on as valid_from,
    cast(null as date) as valid_to
from {{ ref('dim_accounts') }}
