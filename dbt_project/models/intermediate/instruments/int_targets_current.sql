{{ config(tags=['ledger']) }}

select
    targets.portfolio_id,
    targets.instrument_id,
    targets.target_weight,
    targets.valid_from
from {{ ref('int_targets_dated') }} as targets
cross join {{ ref('stg_ops__night') }} as night
where
    targets.valid_from <= night.valuation_date
    and (targets.valid_to is null or targets.valid_to > night.valuation_date)
