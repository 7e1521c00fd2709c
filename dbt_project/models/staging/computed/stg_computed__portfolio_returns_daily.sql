select
    portfolio_id,
    valuation_date,
    daily_return,
    cumulative_twr,
    is_restart
from {{ source('computed', 'portfolio_returns_daily') }}
