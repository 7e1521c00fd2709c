{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=[
            "valuation_date >= {{ first_touched_day('ledger') }}",
            "not exists (
                select 1 from {{ this }} as kept
                inner join {{ ref('int_currencies_used') }} as used on kept.currency = used.currency
                where
                    kept.currency = built.currency
                    and kept.valuation_date = {{ first_rated_day() }}
                    and kept.valuation_date <= built.valuation_date
            )"
        ],
        on_schema_change='fail',
        tags=['ledger'],
        indexes=[{'columns': ['currency', 'valuation_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

{%- set first_day = first_touched_day('ledger') %}

with night as (
    select * from {{ ref('stg_ops__night') }}
),

-- A currency that is new, or whose history is longer than it was, is made whole.
currencies as (
    select
        used.currency,
        {% if is_incremental() -%}
            case
                when
                    exists (
                        select 1 from {{ this }} as kept
                        where kept.currency = used.currency and kept.valuation_date = {{ first_rated_day() }}
                    )
                    then greatest({{ first_rated_day() }}, {{ first_day }})
                else {{ first_rated_day() }}
            end
        {%- else -%}
        {{ first_rated_day() }}
        {%- endif %} as made_from,
        night.valuation_date as last_day
    from {{ ref('int_currencies_used') }} as used
    cross join night
),

rate_intervals as (
    select
        rates.currency_code as currency,
        rates.rate_date,
        rates.units_per_eur,
        rates.load_id,
        lead(rates.rate_date) over (partition by rates.currency_code order by rates.rate_date) as next_rate_date
    from {{ ref('stg_ecb__fx_rates') }} as rates
    inner join currencies
        on rates.currency_code = currencies.currency
    cross join night
    where rates.rate_date <= night.valuation_date and rates.currency_code <> 'EUR'
),

rated_days as (
    select
        rate_intervals.currency,
        cast(days.day as date) as valuation_date,
        rate_intervals.rate_date,
        rate_intervals.units_per_eur,
        rate_intervals.load_id
    from rate_intervals
    inner join currencies
        on rate_intervals.currency = currencies.currency
    cross join lateral generate_series(
        cast(greatest(rate_intervals.rate_date, currencies.made_from) as timestamp),
        cast(least(rate_intervals.next_rate_date - 1, currencies.last_day) as timestamp),
        interval '1 day'
    ) as days (day)
),

all_days as (
    select
        currencies.currency,
        cast(days.day as date) as valuation_date,
        limits.sessions as carry_limit,
        calendars.calendar
    from currencies
    cross join {{ ref('carry_limits') }} as limits
    inner join {{ ref('price_calendars') }} as calendars
        on limits.instrument_kind = calendars.instrument_kind
    cross join
        lateral generate_series(
            cast(currencies.made_from as timestamp), cast(currencies.last_day as timestamp), interval '1 day'
        ) as days (day)
    where limits.instrument_kind = 'fx'
),

aged as (
    select
        all_days.currency,
        all_days.valuation_date,
        all_days.carry_limit,
        all_days.calendar,
        rated_days.load_id,
        case when all_days.currency = 'EUR' then all_days.valuation_date else rated_days.rate_date end as rate_date,
        case when all_days.currency = 'EUR' then 1 else rated_days.units_per_eur end as units_per_eur
    from all_days
    left join rated_days
        on all_days.currency = rated_days.currency and all_days.valuation_date = rated_days.valuation_date
),

counted as (
    select
        aged.*,
        {{ sessions_between('aged.rate_date', 'aged.valuation_date', 'rate_day', 'valued_day') }} as days_carried
    from aged
    left join {{ ref('stg_ops__calendar_days') }} as valued_day
        on aged.calendar = valued_day.calendar and aged.valuation_date = valued_day.day
    left join {{ ref('stg_ops__calendar_days') }} as rate_day
        on aged.calendar = rate_day.calendar and aged.rate_date = rate_day.day
)

select
    currency,
    valuation_date,
    rate_date,
    days_carried,
    case when days_carried <= carry_limit then units_per_eur end as units_per_eur,
    case when days_carried <= carry_limit then load_id end as load_id,
    case
        when days_carried <= carry_limit then null
        when rate_date is null then 'no rate of ' || currency || ' is known on or before this day'
        else
            'the last rate of ' || currency || ' is ' || days_carried || ' sessions old, the limit is ' || carry_limit
    end as missing_reason
from counted
