select
    portfolio_id,
    valuation_date,
    measure,
    basis,
    method,
    confidence,
    horizon_days,
    window_days,
    value,
    observations,
    note
from {{ source('computed', 'risk_measures') }}
