{{ config(materialized='table', tags=['ledger']) }}

with tickers as (
    select distinct on (aliases.instrument_id)
        aliases.instrument_id,
        aliases.alias_code as ticker
    from {{ ref('stg_books__instrument_aliases') }} as aliases
    cross join {{ ref('stg_ops__night') }} as night
    where
        aliases.alias_scheme = 'ticker'
        and aliases.valid_from <= night.valuation_date
        and (aliases.valid_to is null or aliases.valid_to > night.valuation_date)
    order by aliases.instrument_id asc, aliases.valid_from desc, aliases.alias_code asc
),

-- A sector that no book says is filled from what Polygon says of the company.
sectors_described as (
    select
        tickers.instrument_id,
        sic_sectors.sector
    from tickers
    inner join {{ ref('stg_polygon__ticker_details') }} as details
        on tickers.ticker = details.ticker
    inner join {{ ref('sic_sectors') }} as sic_sectors
        on details.sic_code between sic_sectors.first_code and sic_sectors.last_code
),

booked as (
    select
        instruments.instrument_id,
        instruments.instrument_code,
        instruments.instrument_name,
        instruments.instrument_kind,
        instruments.local_currency,
        instruments.asset_class,
        case
            when instruments.sector = 'unknown' then coalesce(described.sector, instruments.sector)
            else instruments.sector
        end as sector,
        instruments.region,
        instruments.whole_units
    from {{ ref('stg_books__instruments') }} as instruments
    left join sectors_described as described
        on instruments.instrument_id = described.instrument_id
),

cash_identities as (
    select
        surrogate_id as instrument_id,
        source_key,
        substring(source_key from 6) as currency
    from {{ ref('stg_books__identities') }}
    where identity_kind = 'instrument' and source_key like 'cash:%'
),

cash as (
    select
        cash_identities.instrument_id,
        cash_identities.source_key as instrument_code,
        'Cash ' || cash_identities.currency as instrument_name,
        'cash' as instrument_kind,
        cash_identities.currency as local_currency,
        'cash' as asset_class,
        'cash' as sector,
        'cash' as region,
        false as whole_units
    from cash_identities
    inner join {{ ref('int_currencies_used') }} as currencies
        on cash_identities.currency = currencies.currency
    where not exists (
        select 1 from booked
        where booked.instrument_id = cash_identities.instrument_id
    )
)

select * from booked
union all
select * from cash
