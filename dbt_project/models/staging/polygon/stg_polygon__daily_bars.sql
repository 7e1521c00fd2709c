with bars as (
    {{ now_known(source('polygon', 'daily_bars'), ['session_date', 'ticker']) }}
)

select
    session_date,
    ticker,
    close as close_price,
    load_id,
    line as source_line
from bars
