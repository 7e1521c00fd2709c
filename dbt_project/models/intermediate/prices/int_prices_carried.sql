{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=[
            "valuation_date >= {{ first_touched_day('ledger') }}",
            "not exists (
                select 1 from {{ ref('int_instruments_priced') }} as priced
                where
                    (priced.instrument_id, priced.local_currency, priced.first_day)
                    = (built.instrument_id, built.local_currency, built.first_day)
                    and priced.history_from <= built.valuation_date
            )"
        ],
        on_schema_change='fail',
        tags=['ledger'],
        indexes=[{'columns': ['instrument_id', 'valuation_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

{%- set first_day = first_touched_day('ledger') %}

-- An instrument that is new, or whose history is longer or shorter than it was, is made whole.
with instruments as (
    select
        priced.*,
        {% if is_incremental() -%}
            case
                when
                    exists (
                        select 1 from {{ this }} as kept
                        where
                            kept.instrument_id = priced.instrument_id
                            and kept.valuation_date = {{ first_day }} - 1
                            and kept.local_currency = priced.local_currency
                            and kept.first_day = priced.first_day
                    )
                    then greatest(priced.history_from, {{ first_day }})
                else priced.history_from
            end
        {%- else -%}
            priced.history_from
        {%- endif %} as made_from
    from {{ ref('int_instruments_priced') }} as priced
),

price_intervals as (
    select
        instrument_id,
        price_date,
        price_local,
        price_source,
        load_id,
        source_line,
        lead(price_date) over (partition by instrument_id order by price_date) as next_price_date
    from {{ ref('int_prices_known') }}
),

priced_days as (
    select
        instruments.instrument_id,
        cast(days.day as date) as valuation_date,
        price_intervals.price_date,
        price_intervals.price_local,
        price_intervals.price_source,
        price_intervals.load_id,
        price_intervals.source_line
    from price_intervals
    inner join instruments
        on price_intervals.instrument_id = instruments.instrument_id
    cross join lateral generate_series(
        cast(greatest(price_intervals.price_date, instruments.made_from) as timestamp),
        cast(least(price_intervals.next_price_date - 1, instruments.history_to) as timestamp),
        interval '1 day'
    ) as days (day)
),

all_days as (
    select
        instruments.instrument_id,
        instruments.local_currency,
        instruments.carry_limit,
        instruments.calendar,
        instruments.first_day,
        instruments.ends_on,
        instruments.end_reason,
        cast(days.day as date) as valuation_date
    from instruments
    cross join lateral generate_series(
        cast(instruments.made_from as timestamp), cast(instruments.history_to as timestamp), interval '1 day'
    ) as days (day)
),

aged as (
    select
        all_days.instrument_id,
        all_days.local_currency,
        all_days.carry_limit,
        all_days.first_day,
        all_days.ends_on,
        all_days.end_reason,
        all_days.valuation_date,
        priced_days.price_date,
        priced_days.price_local,
        priced_days.price_source,
        priced_days.load_id,
        priced_days.source_line,
        {{ sessions_between('priced_days.price_date', 'all_days.valuation_date', 'price_day', 'valued_day') }}
            as days_carried,
        on_the_day.split_factor,
        coalesce(when_priced.split_factor, on_the_day.split_factor) as price_split_factor
    from all_days
    left join priced_days
        on
            all_days.instrument_id = priced_days.instrument_id
            and all_days.valuation_date = priced_days.valuation_date
    left join {{ ref('stg_ops__calendar_days') }} as valued_day
        on all_days.calendar = valued_day.calendar and all_days.valuation_date = valued_day.day
    left join {{ ref('stg_ops__calendar_days') }} as price_day
        on all_days.calendar = price_day.calendar and priced_days.price_date = price_day.day
    inner join {{ ref('int_split_factors') }} as on_the_day
        on
            all_days.instrument_id = on_the_day.instrument_id
            and all_days.valuation_date >= on_the_day.valid_from
            and all_days.valuation_date < on_the_day.valid_to
    left join {{ ref('int_split_factors') }} as when_priced
        on
            priced_days.instrument_id = when_priced.instrument_id
            and priced_days.price_date >= when_priced.valid_from
            and priced_days.price_date < when_priced.valid_to
),

ended as (
    select
        *,
        coalesce(valuation_date >= ends_on, false) as has_ended
    from aged
),

limited as (
    select
        *,
        coalesce(days_carried <= coalesce(carry_limit, days_carried) and not has_ended, false) as is_priced,
        price_split_factor <> split_factor as is_from_before_split
    from ended
)

-- A price carried over a split is brought to the units of the day; no other price is ever changed.
select
    instrument_id,
    valuation_date,
    local_currency,
    first_day,
    price_date,
    cast(days_carried as integer) as days_carried,
    is_priced,
    split_factor,
    cast(
        case
            when not is_priced then null
            when is_from_before_split then price_local * price_split_factor / split_factor
            else price_local
        end as numeric(28, 10)
    ) as price_local,
    case when is_priced then price_source end as price_source,
    case when is_priced then load_id end as price_load_id,
    case when is_priced then source_line end as price_line,
    is_priced and days_carried > 0 as is_carried,
    is_priced and is_from_before_split as is_estimated,
    case
        when is_priced then null
        when has_ended then end_reason
        when price_date is null then 'no price is known on or before this day'
        else 'the last price is ' || days_carried || ' sessions old, the limit is ' || carry_limit
    end as missing_reason
from limited
