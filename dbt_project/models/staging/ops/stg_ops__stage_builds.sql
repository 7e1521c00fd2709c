select
    stage,
    coalesce(first_day, cast('-infinity' as date)) as first_day
from {{ source('ops', 'stage_builds') }}
