{{ config(tags=['decisions']) }}

with attempts as (
    select
        *,
        lag(status || coalesce(reason, '')) over (
            partition by source_name, dataset, slot, night order by attempt
        ) as outcome_before
    from {{ ref('stg_ops__loads') }}
)

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
from attempts as loads
cross join {{ ref('stg_ops__night') }} as night
where
    -- what is tried again and fails alike is no news, so it makes no publication
    (loads.status <> 'failed' or loads.outcome_before is distinct from loads.status || coalesce(loads.reason, ''))
    and (loads.night is null or loads.night <= night.night or loads.night like 'backfill%')
    and (loads.observed_at is null or loads.known_basis = 'assumed' or loads.observed_at <= night.known_at)
