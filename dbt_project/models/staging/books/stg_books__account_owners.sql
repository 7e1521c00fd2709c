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
    on account_ids.identity_kind = 'account' and owners.account_key = account_ids.source_key
inner join {{ ref('stg_books__identities') }} as investor_ids
    on investor_ids.identity_kind = 'investor' and owners.investor_key = investor_ids.source_key
