{{ config(materialized='table', tags=['ledger']) }}

with uses as (
    select
        instrument_id,
        -- Units of a spin-off count from the day on which the price of the other fell.
        trade_date - case when kind in ('spin_off', 'segregation') then {{ bonus_allotment_days() }} else 0 end as first_day
    from {{ ref('stg_books__transactions') }}
    where instrument_id is not null
    union all
    select
        instrument_id,
        valid_from
    from {{ ref('stg_books__targets') }}
),

side_pockets as (
    select distinct successor_id as instrument_id
    from {{ ref('stg_books__instrument_successors') }}
    where action_kind = 'segregation'
),

-- Indian funds of funds abroad publish after the markets they hold: their NAVs may be older.
funds_of_overseas_funds as (
    select distinct aliases.instrument_id
    from {{ ref('stg_books__instrument_aliases') }} as aliases
    inner join {{ ref('stg_amfi__schemes') }} as schemes
        on aliases.alias_scheme = 'amfi' and aliases.alias_code = cast(schemes.scheme_code as text)
    where schemes.category ilike '%fof overseas%'
),

first_uses as (
    select
        instrument_id,
        min(first_day) as first_day
    from uses
    group by instrument_id
)

select
    first_uses.instrument_id,
    instruments.instrument_kind,
    instruments.local_currency,
    first_uses.first_day,
    least(first_uses.first_day, {{ risk_window_start('night.valuation_date') }}) as history_from,
    night.valuation_date as history_to,
    ended.ends_on,
    ended.end_reason,
    case when side_pockets.instrument_id is null then limits.sessions end as carry_limit,
    calendars.calendar,
    limits.late_days
from first_uses
inner join {{ ref('int_instruments_listed') }} as instruments
    on first_uses.instrument_id = instruments.instrument_id
left join funds_of_overseas_funds
    on first_uses.instrument_id = funds_of_overseas_funds.instrument_id
inner join {{ ref('carry_limits') }} as limits
    on
        case
            when instruments.instrument_kind = 'fund' and funds_of_overseas_funds.instrument_id is not null
                then 'fund of overseas funds'
            else instruments.instrument_kind
        end = limits.instrument_kind
left join {{ ref('price_calendars') }} as calendars
    on
        instruments.instrument_kind = calendars.instrument_kind
        and instruments.local_currency = coalesce(calendars.local_currency, instruments.local_currency)
left join {{ ref('int_instruments_ended') }} as ended
    on first_uses.instrument_id = ended.instrument_id
left join side_pockets
    on first_uses.instrument_id = side_pockets.instrument_id
cross join {{ ref('stg_ops__night') }} as night
where instruments.instrument_kind <> 'cash' and first_uses.first_day <= night.valuation_date
