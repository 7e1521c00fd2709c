{{ config(tags=['values']) }}

select
    positions.account_id,
    accounts.portfolio_id,
    positions.instrument_id,
    positions.lot_method,
    positions.valid_from,
    positions.valid_to,
    positions.units,
    positions.price_cost_account,
    positions.tax_cost_account,
    accounts.account_currency,
    'ok' as quality,
    'lots-1' as method_version
from {{ ref('stg_computed__position_intervals') }} as positions
inner join {{ ref('dim_accounts') }} as accounts
    on positions.account_id = accounts.account_id
