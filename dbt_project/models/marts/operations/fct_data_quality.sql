{{ config(tags=['decisions']) }}

select
    results.night,
    results.suite,
    results.check_name,
    results.subject,
    results.severity,
    results.status,
    results.observed,
    results.expected,
    results.note
from {{ ref('stg_ops__check_results') }} as results
cross join {{ ref('stg_ops__night') }} as night
where results.night <= night.night or results.night like 'backfill%'
