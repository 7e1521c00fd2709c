with instruments as (
    {{ now_known(source('books', 'instruments'), ['instrument_key']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    instruments.instrument_key as instrument_code,
    instruments.name as instrument_name,
    instruments.kind as instrument_kind,
    instruments.currency as local_currency,
    instruments.asset_class,
    instruments.sector,
    instruments.region,
    instruments.whole_units
from instruments
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and instruments.instrument_key = instrument_ids.source_key
