select
    load_id,
    source as source_name,
    dataset,
    slot,
    attempt,
    night,
    status,
    payload_sha256,
    payload_bytes,
    observed_at,
    known_basis,
    rows_seen,
    rows_new,
    rows_changed,
    rows_same,
    rows_rejected,
    reason
from {{ source('landing', 'loads') }}
where status <> 'running'
