{{ config(materialized='table', tags=['ledger']) }}

with names as (
    select * from {{ ref('int_price_names') }}
),

offered as (
    {{ offered_prices('names') }}
)

-- A book's order of an instrument goes before that of its kind, and leaves out what it does not name.
select distinct on (offered.instrument_id, offered.price_date)
    offered.instrument_id,
    offered.price_date,
    offered.price_local,
    offered.local_currency,
    offered.price_source,
    offered.load_id,
    offered.source_line
from offered
cross join {{ ref('stg_ops__night') }} as night
left join {{ ref('price_source_ranks') }} as ranks
    on offered.instrument_kind = ranks.instrument_kind and offered.price_source = ranks.price_source
left join {{ ref('stg_books__price_preferences') }} as preferences
    on
        offered.instrument_id = preferences.instrument_id
        and offered.price_date >= preferences.valid_from
        and (preferences.valid_to is null or offered.price_date < preferences.valid_to)
where
    offered.price_date <= night.valuation_date
    and offered.price_currency = offered.local_currency
    and (preferences.instrument_id is null or offered.price_source = any(preferences.price_sources))
order by
    offered.instrument_id,
    offered.price_date,
    coalesce(array_position(preferences.price_sources, offered.price_source), ranks.rank),
    offered.price_source,
    offered.load_id,
    offered.source_line
