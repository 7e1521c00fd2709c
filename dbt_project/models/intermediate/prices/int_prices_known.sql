{{ config(materialized='table', tags=['ledger']) }}

with aliases as (
    select
        aliases.alias_scheme,
        aliases.alias_code,
        aliases.valid_from,
        aliases.valid_to,
        instruments.instrument_id,
        instruments.local_currency
    from {{ ref('stg_books__instrument_aliases') }} as aliases
    inner join {{ ref('int_instruments_priced') }} as instruments
        on aliases.instrument_id = instruments.instrument_id
),

-- The lists of codes are evaluated first, so that only the schemes and tickers in use are read from raw.
fund_prices as (
    select
        aliases.instrument_id,
        navs.nav_date as price_date,
        navs.nav as price_local,
        'INR' as local_currency,
        'amfi' as price_source,
        navs.load_id,
        navs.source_line
    from {{ ref('stg_amfi__navs') }} as navs
    inner join aliases
        on
            aliases.alias_scheme = 'amfi'
            and aliases.alias_code = cast(navs.scheme_code as text)
            and navs.nav_date >= aliases.valid_from
            and (aliases.valid_to is null or navs.nav_date < aliases.valid_to)
    where
        aliases.local_currency = 'INR'
        and navs.scheme_code = any(
            array(
                select cast(codes.alias_code as integer)
                from aliases as codes
                where codes.alias_scheme = 'amfi' and codes.alias_code ~ '^[0-9]{1,9}$'
            )
        )
),

share_prices as (
    select
        aliases.instrument_id,
        bars.session_date as price_date,
        bars.close_price as price_local,
        'USD' as local_currency,
        'polygon' as price_source,
        bars.load_id,
        bars.source_line
    from {{ ref('stg_polygon__daily_bars') }} as bars
    inner join aliases
        on
            aliases.alias_scheme = 'ticker'
            and bars.ticker = aliases.alias_code
            and bars.session_date >= aliases.valid_from
            and (aliases.valid_to is null or bars.session_date < aliases.valid_to)
    where
        aliases.local_currency = 'USD'
        and bars.ticker = any(array(
            select codes.alias_code from aliases as codes
            where codes.alias_scheme = 'ticker'
        ))
),

prices as (
    select * from fund_prices
    union all
    select * from share_prices
)

-- Should two sources price one instrument on one day, the first in the alphabet is taken, always the same.
select distinct on (prices.instrument_id, prices.price_date) prices.*
from prices
cross join {{ ref('stg_ops__night') }} as night
where prices.price_date <= night.valuation_date
order by prices.instrument_id, prices.price_date, prices.price_source
