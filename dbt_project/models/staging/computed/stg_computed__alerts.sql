select
    alert_id,
    portfolio_id,
    rule,
    opened_night,
    valuation_date,
    observed,
    threshold,
    closed_night
from {{ source('computed', 'alerts') }}
