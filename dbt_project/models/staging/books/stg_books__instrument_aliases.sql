with aliases as (
    {{ now_known(source('books', 'instrument_aliases'), ['scheme', 'alias', 'valid_from']) }}
)

select
    aliases.scheme as alias_scheme,
    aliases.alias as alias_code,
    instrument_ids.surrogate_id as instrument_id,
    aliases.valid_from,
    aliases.valid_to
from aliases
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and aliases.instrument_key = instrument_ids.source_key
