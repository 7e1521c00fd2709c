select
    transaction_id,
    account_id,
    reason
from {{ source('computed', 'ledger_rejections') }}
