{{ config(tags=['ledger']) }}

select
    portfolio_id,
    benchmark_id,
    valid_from,
    benchmark_weight,
    {{ until_next_set('portfolio_id') }} as valid_to
from {{ ref('stg_books__benchmarks') }}
