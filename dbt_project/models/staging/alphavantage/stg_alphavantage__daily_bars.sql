with bars as (
    {{ now_known(source('alphavantage', 'daily_bars'), ['session_date', 'symbol']) }}
)

select
    session_date,
    symbol,
    close as close_price,
    load_id,
    line as source_line
from bars
