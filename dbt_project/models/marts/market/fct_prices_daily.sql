{{ config(tags=['ledger']) }}

select
    instrument_id,
    valuation_date,
    price_local,
    local_currency,
    price_date,
    price_source,
    days_carried,
    price_load_id,
    price_line,
    {{ quality('not is_priced', 'is_estimated', 'is_carried') }} as quality,
    missing_reason,
    'prices-1' as method_version
from {{ ref('int_prices_carried') }}
where valuation_date >= first_day
