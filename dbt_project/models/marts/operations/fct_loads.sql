{{ config(tags=['decisions']) }}

select
    loads.load_id,
    loads.source_name as source,
    loads.dataset,
    loads.slot,
    loads.attempt,
    loads.night,
    loads.status,
    loads.payload_sha256,
    loads.payload_bytes,
    loads.observed_at,
    loads.known_basis,
    loads.rows_seen,
    loads.rows_new,
    loads.rows_changed,
    loads.rows_same,
    loads.rows_rejected,
    loads.reason
from {{ ref('stg_ops__loads') }} as loads
cross join {{ ref('stg_ops__night') }} as night
where
    (loads.night is null or loads.night <= night.night or loads.night like 'backfill%')
    and (loads.observed_at is null or loads.known_basis = 'assumed' or loads.observed_at <= night.known_at)
