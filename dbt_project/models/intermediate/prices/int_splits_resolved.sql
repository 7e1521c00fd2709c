{{ config(materialized='table', tags=['ledger']) }}

select
    changes.instrument_id,
    changes.ex_date as execution_date,
    cast(ops.product(changes.ratio) as numeric(28, 12)) as ratio
from {{ ref('int_unit_changes_stated') }} as changes
cross join {{ ref('stg_ops__night') }} as night
where changes.is_used and changes.ex_date <= night.valuation_date
group by changes.instrument_id, changes.ex_date
