{{ config(materialized='table', tags=['ledger']) }}

with stated as (
    select
        instrument_id,
        ex_date,
        cash_per_unit_local,
        cast(null as text) as currency,
        'books' as action_source,
        1 as source_rank,
        observed_at,
        known_basis,
        load_id
    from {{ ref('stg_books__corporate_actions') }}
    where action_kind = 'dividend'
)

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
