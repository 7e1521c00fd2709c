{{ config(tags=['values']) }}

select
    transactions.transaction_id,
    transactions.account_id,
    transactions.portfolio_id,
    transactions.instrument_id,
    transactions.kind,
    transactions.status,
    transactions.trade_date,
    transactions.settlement_date,
    effects.in_transit_until,
    transactions.units,
    transactions.price_local,
    transactions.amount_local,
    transactions.fee_local,
    transactions.tax_local,
    transactions.local_currency,
    transactions.fx_to_account,
    transactions.amount_account,
    transactions.fee_account,
    transactions.tax_account,
    transactions.net_cash_account,
    transactions.account_currency,
    transactions.fx_to_portfolio,
    transactions.net_cash_portfolio,
    transactions.portfolio_currency,
    rejections.transaction_id is not null as is_rejected,
    rejections.reason as rejection_reason,
    transactions.load_id,
    transactions.source_line,
    {{ quality('transactions.fx_to_portfolio is null', 'false', 'transactions.is_rate_carried') }} as quality,
    'transactions-1' as method_version
from {{ ref('int_transactions_converted') }} as transactions
left join {{ ref('int_transaction_effects') }} as effects
    on transactions.transaction_id = effects.transaction_id
left join {{ ref('stg_computed__ledger_rejections') }} as rejections
    on transactions.transaction_id = rejections.transaction_id
