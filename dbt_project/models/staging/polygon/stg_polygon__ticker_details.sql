with details as (
    {{ now_known(source('polygon', 'ticker_details'), ['ticker']) }}
)

select
    ticker,
    name as company_name,
    load_id,
    case when sic_code ~ '^[0-9]{3,4}$' then cast(sic_code as integer) end as sic_code
from details
