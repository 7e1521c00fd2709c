with prices as (
    {{ now_known(source('coingecko', 'daily_prices'), ['price_date', 'coin_id', 'quote_currency']) }}
)

select
    price_date,
    coin_id,
    quote_currency,
    cast(price as numeric(28, 10)) as price,
    load_id,
    line as source_line
from prices
where price >= 0.0000000001
