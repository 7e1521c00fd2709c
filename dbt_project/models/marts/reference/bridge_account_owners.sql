{{ config(tags=['ledger']) }}

select
    owners.account_id,
    owners.investor_id,
    accounts.portfolio_id,
    owners.share,
    owners.valid_from,
    owners.valid_to
from {{ ref('stg_books__account_owners') }} as owners
inner join {{ ref('dim_accounts') }} as accounts
    on owners.account_id = accounts.account_id
