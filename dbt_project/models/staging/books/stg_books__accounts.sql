with accounts as (
    {{ now_known(source('books', 'accounts'), ['account_key']) }}
)

select
    account_ids.surrogate_id as account_id,
    accounts.account_key as account_code,
    accounts.name as account_name,
    portfolio_ids.surrogate_id as portfolio_id,
    accounts.kind as account_kind,
    accounts.currency as account_currency,
    accounts.tax_regime,
    accounts.lot_method,
    accounts.cash_model,
    accounts.flow_timing,
    accounts.opened_on
from accounts
inner join {{ ref('stg_books__identities') }} as account_ids
    on account_ids.identity_kind = 'account' and accounts.account_key = account_ids.source_key
inner join {{ ref('stg_books__identities') }} as portfolio_ids
    on portfolio_ids.identity_kind = 'portfolio' and accounts.portfolio_key = portfolio_ids.source_key
