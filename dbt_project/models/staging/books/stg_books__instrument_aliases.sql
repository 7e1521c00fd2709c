with known as (
    {{ now_known(source('books', 'instrument_aliases'), ['scheme', 'alias', 'valid_from']) }}
),

-- A name ends where a later row gives it to another instrument, as a ticker that is used again.
dated as (
    select
        scheme,
        alias,
        instrument_key,
        valid_from,
        least(valid_to, lead(valid_from) over (partition by scheme, alias order by valid_from)) as valid_to
    from known
)

select
    dated.scheme as alias_scheme,
    dated.alias as alias_code,
    instrument_ids.surrogate_id as instrument_id,
    dated.valid_from,
    dated.valid_to
from dated
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and dated.instrument_key = instrument_ids.source_key
