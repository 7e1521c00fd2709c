{{ config(tags=['ledger']) }}

select
    portfolio_id,
    benchmark_id,
    valid_from,
    benchmark_weight,
    cast(
        min(valid_from) over (
            partition by portfolio_id order by valid_from
            range between interval '1 day' following and unbounded following
        ) as date
    ) as valid_to
from {{ ref('stg_books__benchmarks') }}
