select
    closing_transaction_id,
    lot_id,
    account_id,
    instrument_id,
    acquisition_date,
    sale_date,
    units,
    price_cost_account,
    tax_cost_account,
    proceeds_account,
    match_rule,
    term,
    disallowed_account,
    cost_added_account
from {{ source('computed', 'lot_matches') }}
