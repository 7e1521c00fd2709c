select
    calendar,
    day,
    is_session,
    session_number
from {{ source('ops', 'calendar_days') }}
