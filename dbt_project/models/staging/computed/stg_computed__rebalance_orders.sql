select
    order_id,
    plan_id,
    portfolio_id,
    account_id,
    instrument_id,
    side,
    units,
    price_local,
    local_currency,
    amount_account,
    account_currency,
    reason
from {{ source('computed', 'rebalance_orders') }}
