select
    load_id,
    line,
    reason
from {{ source('landing', 'rejected_rows') }}
where landed_by is null
