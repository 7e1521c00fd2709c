{{ config(materialized='table', tags=['ledger']) }}

-- AMFI quotes rupees and US tickers dollars: only where that is not the instrument's own is anything read.
with names as (
    select * from {{ ref('int_price_names') }}
    where
        not (alias_scheme = 'amfi' and local_currency = 'INR')
        and not (alias_scheme = 'ticker' and local_currency = 'USD')
),

offered as (
    {{ offered_prices('names') }}
)

select
    instrument_id,
    price_source,
    price_currency,
    local_currency,
    count(*) as days,
    max(price_date) as last_price_date
from offered
where price_currency is distinct from local_currency
group by instrument_id, price_source, price_currency, local_currency
