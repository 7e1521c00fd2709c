with rates as (
    {{ now_known(source('ecb', 'fx_rates'), ['rate_date', 'currency_code']) }}
)

select
    rate_date,
    currency_code,
    units_per_eur,
    load_id,
    line as source_line
from rates
