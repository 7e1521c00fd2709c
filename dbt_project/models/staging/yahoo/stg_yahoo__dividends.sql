with dividends as (
    {{ now_known(source('yahoo', 'dividends'), ['symbol', 'ex_date']) }}
)

select
    dividends.symbol,
    dividends.ex_date,
    dividends.amount,
    dividends.currency as quote_currency,
    loads.observed_at as fetched_at,
    dividends.observed_at,
    dividends.known_basis,
    dividends.load_id
from dividends
inner join {{ ref('stg_ops__loads') }} as loads
    on dividends.load_id = loads.load_id
