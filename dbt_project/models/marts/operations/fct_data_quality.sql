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
inner join {{ ref('stg_ops__nights') }} as nights
    on results.night = nights.night
