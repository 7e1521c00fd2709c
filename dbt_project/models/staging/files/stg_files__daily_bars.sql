with bars as (
    {{ now_known(source('files', 'daily_bars'), ['session_date', 'collection', 'ticker']) }}
)

select
    session_date,
    collection,
    ticker,
    close as close_price,
    load_id,
    line as source_line
from bars
