{{ config(tags=['ledger']) }}

with aliases as (
    select
        aliases.instrument_id,
        aliases.alias_scheme,
        aliases.alias_code,
        row_number() over (
            partition by aliases.instrument_id, aliases.alias_scheme
            order by aliases.valid_from desc, aliases.alias_code asc
        ) as recency
    from {{ ref('stg_books__instrument_aliases') }} as aliases
    cross join {{ ref('stg_ops__night') }} as night
    where aliases.valid_from <= night.valuation_date
),

latest_aliases as (
    select
        instrument_id,
        max(alias_code) filter (where alias_scheme = 'amfi') as amfi_code,
        max(alias_code) filter (where alias_scheme = 'isin') as isin,
        max(alias_code) filter (where alias_scheme = 'ticker') as ticker
    from aliases
    where recency = 1
    group by instrument_id
)

select
    instruments.instrument_id,
    instruments.instrument_code,
    instruments.instrument_name,
    instruments.instrument_kind,
    instruments.local_currency,
    instruments.asset_class,
    instruments.sector,
    instruments.region,
    instruments.whole_units,
    latest_aliases.amfi_code,
    latest_aliases.isin,
    latest_aliases.ticker
from {{ ref('int_instruments_listed') }} as instruments
left join latest_aliases
    on instruments.instrument_id = latest_aliases.instrument_id
