select
    account_id,
    instrument_id,
    lot_method,
    valid_from,
    valid_to,
    units,
    price_cost_account,
    tax_cost_account
from {{ source('computed', 'position_intervals') }}
