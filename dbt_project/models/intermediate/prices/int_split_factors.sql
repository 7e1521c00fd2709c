{{ config(tags=['ledger']) }}

with changes as (
    select
        instrument_id,
        execution_date,
        ratio
    from {{ ref('int_splits_resolved') }}
    union all
    select
        instrument_id,
        cast('-infinity' as date) as execution_date,
        1 as ratio
    from {{ ref('int_instruments_priced') }}
)

select
    instrument_id,
    execution_date as valid_from,
    cast(
        ops.product(ratio) over (partition by instrument_id order by execution_date) as numeric(28, 12)
    ) as split_factor,
    coalesce(
        lead(execution_date) over (partition by instrument_id order by execution_date), cast('infinity' as date)
    ) as valid_to
from changes
