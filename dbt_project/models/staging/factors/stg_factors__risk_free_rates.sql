with rates as (
    {{ now_known(source('factors', 'risk_free_rates'), ['rate_date', 'currency', 'series', 'tenor_months']) }}
)

select
    rate_date,
    currency,
    series,
    tenor_months,
    cast(annual_rate as numeric(20, 12)) as annual_rate,
    load_id
from rates
