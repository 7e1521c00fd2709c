{{ config(materialized='table', tags=['values']) }}

with night as (
    select * from {{ ref('stg_ops__night') }}
),

month_ends as (
    select cast(months.month_start + interval '1 month' as date) - 1 as valuation_date
    from night
    cross join lateral generate_series(
        date_trunc(
            'month',
            cast((select min(effects.trade_date) from {{ ref('int_transaction_effects') }} as effects) as timestamp)
        ),
        cast(night.valuation_date as timestamp),
        interval '1 month'
    ) as months (month_start)
),

days as (
    select valuation_date from night
    union distinct
    select month_ends.valuation_date
    from month_ends
    cross join night
    where month_ends.valuation_date <= night.valuation_date
    union distinct
    select nights.valuation_date
    from {{ ref('stg_ops__nights') }} as nights
    cross join night
    where nights.valuation_date between night.valuation_date - 35 and night.valuation_date
)

select valuation_date from days
