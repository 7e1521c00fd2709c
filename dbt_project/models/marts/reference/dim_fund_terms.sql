{{ config(tags=['ledger']) }}

select
    instrument_id,
    valid_from,
    expense_ratio,
    riskometer,
    benchmark_id,
    cast(
        min(valid_from) over (
            partition by instrument_id order by valid_from
            range between interval '1 day' following and unbounded following
        ) as date
    ) as valid_to
from {{ ref('stg_books__fund_terms') }}
