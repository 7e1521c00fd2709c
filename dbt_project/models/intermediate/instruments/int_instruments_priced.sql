{{ config(materialized='table', tags=['ledger']) }}

with uses as (
    select
        instrument_id,
        trade_date as first_day
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
    case when side_pockets.instrument_id is null then limits.weekdays end as carry_limit
from first_uses
inner join {{ ref('int_instruments_listed') }} as instruments
    on first_uses.instrument_id = instruments.instrument_id
inner join {{ ref('carry_limits') }} as limits
    on instruments.instrument_kind = limits.instrument_kind
left join {{ ref('int_instruments_ended') }} as ended
    on first_uses.instrument_id = ended.instrument_id
left join side_pockets
    on first_uses.instrument_id = side_pockets.instrument_id
cross join {{ ref('stg_ops__night') }} as night
where instruments.instrument_kind <> 'cash' and first_uses.first_day <= night.valuation_date
