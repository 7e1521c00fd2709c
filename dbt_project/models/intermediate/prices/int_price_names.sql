{{ config(materialized='table', tags=['ledger'], post_hook='analyze {{ this }}') }}

with names as (
    select
        aliases.alias_scheme,
        aliases.alias_code,
        aliases.valid_from,
        instruments.instrument_id,
        instruments.instrument_kind,
        instruments.local_currency,
        least(aliases.valid_to, instruments.ends_on) as valid_to
    from {{ ref('stg_books__instrument_aliases') }} as aliases
    inner join {{ ref('int_instruments_priced') }} as instruments
        on aliases.instrument_id = instruments.instrument_id
    where aliases.alias_scheme not in ('isin', 'contract')
)

select
    *,
    min(alias_scheme) over (partition by instrument_id) <> max(alias_scheme) over (partition by instrument_id)
        as is_compared
from names
