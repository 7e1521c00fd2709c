with fund_constituents as (
    {{ now_known(source('books', 'fund_constituents'), ['instrument_key', 'valid_from', 'constituent_code']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    fund_constituents.valid_from,
    fund_constituents.constituent_code,
    fund_constituents.constituent_name,
    fund_constituents.sector,
    fund_constituents.weight
from fund_constituents
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and fund_constituents.instrument_key = instrument_ids.source_key
