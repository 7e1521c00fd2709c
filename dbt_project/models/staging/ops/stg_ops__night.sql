select
    night,
    valuation_date,
    known_at
from {{ source('ops', 'night') }}
