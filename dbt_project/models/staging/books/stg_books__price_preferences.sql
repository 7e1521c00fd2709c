with preferences as (
    {{ now_known(source('books', 'price_preferences'), ['instrument_key', 'valid_from']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    preferences.valid_from,
    lead(preferences.valid_from) over (
        partition by preferences.instrument_key order by preferences.valid_from
    ) as valid_to,
    regexp_split_to_array(btrim(preferences.price_sources), '\s+') as price_sources
from preferences
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and preferences.instrument_key = instrument_ids.source_key
