{{ config(materialized='table', tags=['ledger']) }}

select
    aliases.instrument_id,
    splits.execution_date,
    splits.ratio
from {{ ref('stg_polygon__splits') }} as splits
inner join {{ ref('stg_books__instrument_aliases') }} as aliases
    on
        aliases.alias_scheme = 'ticker'
        and splits.ticker = aliases.alias_code
        and splits.execution_date >= aliases.valid_from
        and (aliases.valid_to is null or splits.execution_date < aliases.valid_to)
cross join {{ ref('stg_ops__night') }} as night
where splits.execution_date <= night.valuation_date
