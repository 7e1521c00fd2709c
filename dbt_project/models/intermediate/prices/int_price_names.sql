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
),

filed as (
    select distinct ticker from {{ ref('stg_files__daily_bars') }}
)

select
    names.*,
    min(names.alias_scheme) over instrument <> max(names.alias_scheme) over instrument
    or bool_or(filed.ticker is not null) over instrument as is_compared
from names
left join filed
    on names.alias_scheme = 'ticker' and names.alias_code = filed.ticker
window instrument as (partition by names.instrument_id)
