with candles as (
    {{ now_known(source('exchanges', 'candles'), ['opened_at', 'exchange', 'pair', 'timeframe']) }}
)

select
    exchange,
    pair,
    load_id,
    line as source_line,
    cast(close as numeric(28, 10)) as close_price,
    cast(opened_at at time zone 'UTC' as date) as price_date,
    split_part(pair, '/', 2) as quote_currency
from candles
where timeframe = '1d' and close >= 0.0000000001
