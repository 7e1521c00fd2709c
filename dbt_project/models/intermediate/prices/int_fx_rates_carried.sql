{{
    config(
        materialized='table',
        tags=['ledger'],
        indexes=[{'columns': ['currency', 'valuation_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

with night as (
    select * from {{ ref('stg_ops__night') }}
),

span as (
    select
        least(
            (select min(transactions.trade_date) from {{ ref('stg_books__transactions') }} as transactions),
            {{ risk_window_start('night.valuation_date') }}
        ) as first_day,
        night.valuation_date as last_day
    from night
),

rate_intervals as (
    select
        rates.currency_code as currency,
        rates.rate_date,
        rates.units_per_eur,
        rates.load_id,
        lead(rates.rate_date) over (partition by rates.currency_code order by rates.rate_date) as next_rate_date
    from {{ ref('stg_ecb__fx_rates') }} as rates
    inner join {{ ref('int_currencies_used') }} as currencies
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
    cross join span
    cross join lateral generate_series(
        cast(greatest(rate_intervals.rate_date, span.first_day) as timestamp),
        cast(least(rate_intervals.next_rate_date - 1, span.last_day) as timestamp),
        interval '1 day'
    ) as days (day)
),

all_days as (
    select
        currencies.currency,
        cast(days.day as date) as valuation_date,
        limits.weekdays as carry_limit
    from {{ ref('int_currencies_used') }} as currencies
    cross join span
    cross join {{ ref('carry_limits') }} as limits
    cross join
        lateral generate_series(
            cast(span.first_day as timestamp), cast(span.last_day as timestamp), interval '1 day'
        ) as days (day)
    where limits.instrument_kind = 'fx'
),

aged as (
    select
        all_days.currency,
        all_days.valuation_date,
        all_days.carry_limit,
        rated_days.load_id,
        case when all_days.currency = 'EUR' then all_days.valuation_date else rated_days.rate_date end as rate_date,
        case when all_days.currency = 'EUR' then 1 else rated_days.units_per_eur end as units_per_eur
    from all_days
    left join rated_days
        on all_days.currency = rated_days.currency and all_days.valuation_date = rated_days.valuation_date
),

counted as (
    select
        *,
        {{ weekdays_between('rate_date', 'valuation_date') }} as days_carried
    from aged
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
            'the last rate of ' || currency || ' is ' || days_carried || ' weekdays old, the limit is ' || carry_limit
    end as missing_reason
from counted
