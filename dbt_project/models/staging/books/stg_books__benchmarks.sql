with benchmarks as (
    {{ now_known(source('books', 'benchmarks'), ['portfolio_key', 'benchmark_key', 'valid_from']) }}
)

select
    portfolio_ids.surrogate_id as portfolio_id,
    benchmark_ids.surrogate_id as benchmark_id,
    benchmarks.valid_from,
    benchmarks.benchmark_weight
from benchmarks
inner join {{ ref('stg_books__identities') }} as portfolio_ids
    on portfolio_ids.identity_kind = 'portfolio' and benchmarks.portfolio_key = portfolio_ids.source_key
inner join {{ ref('stg_books__identities') }} as benchmark_ids
    on benchmark_ids.identity_kind = 'instrument' and benchmarks.benchmark_key = benchmark_ids.source_key
