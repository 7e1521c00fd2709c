{{ config(tags=['ledger']) }}

with span as (
    select
        date_trunc(
            'year',
            cast(
                least(
                    (select min(transactions.trade_date) from {{ ref('stg_books__transactions') }} as transactions),
                    night.valuation_date
                ) as timestamp
            )
        ) as first_day,
        cast(night.valuation_date as timestamp) as last_day
    from {{ ref('stg_ops__night') }} as night
),

days as (
    select cast(series.day as date) as date_day
    from span
    cross join lateral generate_series(span.first_day, span.last_day, interval '1 day') as series (day)
)

select
    date_day,
    cast(extract(year from date_day) as integer) as year,
    cast(extract(quarter from date_day) as integer) as quarter,
    cast(extract(month from date_day) as integer) as month,
    extract(isodow from date_day) > 5 as is_weekend,
    cast(date_trunc('month', cast(date_day as timestamp)) + interval '1 month' as date) - 1 as month_end
from days
