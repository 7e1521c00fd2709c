with bars as (
    {{ now_known(source('yahoo', 'daily_bars'), ['session_date', 'symbol']) }}
)

select
    bars.session_date,
    bars.symbol,
    bars.close as close_price,
    bars.currency as quote_currency,
    loads.observed_at as fetched_at,
    bars.load_id,
    bars.line as source_line
from bars
inner join {{ ref('stg_ops__loads') }} as loads
    on bars.load_id = loads.load_id
