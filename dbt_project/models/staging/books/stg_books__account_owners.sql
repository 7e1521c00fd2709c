with owners as (
    {{ now_known(source('books', 'account_owners'), ['account_key', 'investor_key', 'valid_from']) }}
)

select
    account_ids.surrogate_id as account_id,
    investor_ids.surrogate_id as investor_id,
    owners.valid_from,
    owners.valid_to,
    owners.share
from owners
inner join {{ ref('stg_books__identities') }} as account_ids
    on account_ids.identity_kind = 'account' and account_ids.source_key = owners.account_key
inner join {{ ref('stg_books__identities') }} as investor_ids
    on investor_ids.identity_kind = 'investor' and investor_ids.source_key = owners.investor_key
