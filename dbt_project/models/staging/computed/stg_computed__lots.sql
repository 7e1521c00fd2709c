select
    lot_id,
    account_id,
    instrument_id,
    lot_method,
    opening_transaction_id,
    acquisition_date,
    opened_on,
    units_acquired,
    units_open,
    price_cost_open_account,
    tax_cost_open_account,
    cost_added_account
from {{ source('computed', 'lots') }}
