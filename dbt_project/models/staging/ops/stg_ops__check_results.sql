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
from {{ source('ops', 'check_results') }} as results
