with transactions as (
    {{ now_known(source('books', 'transactions'), ['transaction_key']) }}
)

select
    transactions.transaction_id,
    account_ids.surrogate_id as account_id,
    instrument_ids.surrogate_id as instrument_id,
    transactions.kind,
    transactions.status,
    transactions.trade_date,
    transactions.settlement_date,
    transactions.occurred_at,
    transactions.units,
    transactions.price as price_local,
    transactions.fee as fee_local,
    transactions.tax as tax_local,
    transactions.currency as local_currency,
    transactions.fx_rate as booked_fx_rate,
    transactions.pair_key,
    transactions.reverses,
    transactions.external_id,
    transactions.lot as named_lot,
    transactions.load_id,
    transactions.line as source_line,
    coalesce(transactions.amount, cast(transactions.units * transactions.price as numeric(28, 8))) as amount_local
from transactions
inner join {{ ref('stg_books__identities') }} as account_ids
    on account_ids.identity_kind = 'account' and transactions.account_key = account_ids.source_key
left join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and transactions.instrument_key = instrument_ids.source_key
