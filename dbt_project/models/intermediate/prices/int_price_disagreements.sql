{{ config(materialized='table', tags=['ledger']) }}

with names as (
    select * from {{ ref('int_price_names') }}
    where is_compared
),

offered as (
    {{ offered_prices('names') }}
),

-- A source that the book leaves out for the instrument is not listened to, here neither.
heard as (
    select offered.*
    from offered
    left join {{ ref('stg_books__price_preferences') }} as preferences
        on
            offered.instrument_id = preferences.instrument_id
            and offered.price_date >= preferences.valid_from
            and (preferences.valid_to is null or offered.price_date < preferences.valid_to)
    where
        offered.price_currency = offered.local_currency
        and (preferences.instrument_id is null or offered.price_source = any(preferences.price_sources))
)

select
    used.instrument_id,
    used.price_date,
    used.price_source,
    used.price_local,
    heard.price_source as other_source,
    heard.price_local as other_price_local,
    cast(heard.price_local / nullif(used.price_local, 0) - 1 as numeric(20, 12)) as distance,
    bands.band
from heard
inner join {{ ref('int_prices_known') }} as used
    on heard.instrument_id = used.instrument_id and heard.price_date = used.price_date
inner join {{ ref('price_bands') }} as bands
    on heard.instrument_kind = bands.instrument_kind
where
    heard.price_source <> used.price_source
    and abs(heard.price_local - used.price_local) > bands.band * abs(used.price_local)
