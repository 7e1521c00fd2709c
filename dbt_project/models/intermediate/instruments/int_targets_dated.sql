{{ config(tags=['ledger']) }}

with targets as (
    select * from {{ ref('stg_books__targets') }}
),

target_sets as (
    select
        portfolio_id,
        valid_from,
        lead(valid_from) over (partition by portfolio_id order by valid_from) as valid_to
    from (select distinct
        targets.portfolio_id,
        targets.valid_from
    from targets) as starts
)

select
    targets.portfolio_id,
    targets.instrument_id,
    targets.target_weight,
    targets.valid_from,
    target_sets.valid_to
from targets
inner join target_sets
    on targets.portfolio_id = target_sets.portfolio_id and targets.valid_from = target_sets.valid_from
