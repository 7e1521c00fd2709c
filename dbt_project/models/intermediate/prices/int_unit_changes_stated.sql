{{ config(materialized='table', tags=['ledger']) }}

with stated as (
    select
        instrument_id,
        action_kind,
        ex_date,
        ratio,
        'books' as action_source,
        1 as source_rank,
        observed_at,
        known_basis,
        load_id
    from {{ ref('stg_books__corporate_actions') }}
    where action_kind in ('split', 'bonus')
    union all
    select
        aliases.instrument_id,
        'split' as action_kind,
        splits.execution_date as ex_date,
        splits.ratio,
        'polygon' as action_source,
        2 as source_rank,
        splits.observed_at,
        splits.known_basis,
        splits.load_id
    from {{ ref('stg_polygon__splits') }} as splits
    inner join {{ ref('stg_books__instrument_aliases') }} as aliases
        on
            aliases.alias_scheme = 'ticker'
            and splits.ticker = aliases.alias_code
            and splits.execution_date >= aliases.valid_from
            and (aliases.valid_to is null or splits.execution_date < aliases.valid_to)
    union all
    select
        aliases.instrument_id,
        'split' as action_kind,
        splits.execution_date as ex_date,
        splits.ratio,
        'yahoo' as action_source,
        3 as source_rank,
        splits.observed_at,
        splits.known_basis,
        splits.load_id
    from {{ ref('stg_yahoo__splits') }} as splits
    inner join {{ ref('stg_books__instrument_aliases') }} as aliases
        on
            aliases.alias_scheme = 'yahoo'
            and splits.symbol = aliases.alias_code
            and splits.execution_date >= aliases.valid_from
            and (aliases.valid_to is null or splits.execution_date < aliases.valid_to)
)

-- Sources differ by some days and by name (a bonus is a split to many): what a better one says nearby is it.
select
    stated.*,
    not exists (
        select 1
        from stated as better
        where
            better.instrument_id = stated.instrument_id
            and better.source_rank < stated.source_rank
            and better.ex_date between stated.ex_date - {{ same_event_days() }} and stated.ex_date + {{ same_event_days() }}
    ) as is_used
from stated
