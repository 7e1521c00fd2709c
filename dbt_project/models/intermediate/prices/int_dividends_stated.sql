{{ config(materialized='table', tags=['ledger']) }}

with aliases as (
    select * from {{ ref('stg_books__instrument_aliases') }}
),

yahoo as (
    select
        dividends.symbol,
        dividends.ex_date,
        dividends.observed_at,
        dividends.known_basis,
        dividends.load_id,
        dividends.amount
        * {{ yahoo_units_since('dividends.symbol', 'dividends.ex_date', 'dividends.fetched_at') }}
        / coalesce(minor_currencies.per_unit, 1) as cash_per_unit_local,
        coalesce(minor_currencies.currency, dividends.quote_currency) as currency
    from {{ ref('stg_yahoo__dividends') }} as dividends
    left join {{ ref('minor_currencies') }} as minor_currencies
        on dividends.quote_currency = minor_currencies.minor_code
),

stated as (
    select
        instrument_id,
        ex_date,
        cash_per_unit_local,
        cast(null as text) as currency,
        'books' as action_source,
        1 as source_rank,
        observed_at,
        known_basis,
        load_id
    from {{ ref('stg_books__corporate_actions') }}
    where action_kind = 'dividend'
    union all
    -- One of several kinds on one day is one dividend of them all.
    select
        aliases.instrument_id,
        dividends.ex_date,
        sum(dividends.cash_amount) as cash_per_unit_local,
        dividends.currency,
        'polygon' as action_source,
        2 as source_rank,
        max(dividends.observed_at) as observed_at,
        min(dividends.known_basis) as known_basis,
        (array_agg(dividends.load_id order by dividends.observed_at desc, dividends.load_id desc))[1] as load_id
    from {{ ref('stg_polygon__dividends') }} as dividends
    inner join aliases
        on
            aliases.alias_scheme = 'ticker'
            and dividends.ticker = aliases.alias_code
            and dividends.ex_date >= aliases.valid_from
            and (aliases.valid_to is null or dividends.ex_date < aliases.valid_to)
    group by aliases.instrument_id, dividends.ex_date, dividends.currency
    union all
    select
        aliases.instrument_id,
        yahoo.ex_date,
        yahoo.cash_per_unit_local,
        yahoo.currency,
        'yahoo' as action_source,
        3 as source_rank,
        yahoo.observed_at,
        yahoo.known_basis,
        yahoo.load_id
    from yahoo
    inner join aliases
        on
            aliases.alias_scheme = 'yahoo'
            and yahoo.symbol = aliases.alias_code
            and yahoo.ex_date >= aliases.valid_from
            and (aliases.valid_to is null or yahoo.ex_date < aliases.valid_to)
)

select
    stated.*,
    not exists (
        select 1
        from stated as better
        where
            better.instrument_id = stated.instrument_id
            and better.source_rank < stated.source_rank
            and better.ex_date between stated.ex_date - {{ same_event_days() }} and stated.ex_date + {{ same_event_days() }}
    ) as is_used
from stated
