select
    portfolio_id,
    period,
    start_date,
    end_date,
    twr,
    xirr,
    root_count,
    simple_return
from {{ source('computed', 'period_rates') }}
