{{ config(tags=['ledger']) }}

with rates as (
    select
        *,
        lead(rate_date) over (partition by currency, series, tenor_months order by rate_date) as next_date
    from {{ ref('stg_factors__risk_free_rates') }}
    where tenor_months in (0, 3)
),

-- A yield is of its day, and is carried over weekends and holidays; a policy rate holds until it is changed.
lasting as (
    select
        *,
        daterange(
            rate_date, case when tenor_months = 0 then next_date else least(next_date, rate_date + 7) end
        ) as days
    from rates
),

quoted as (
    select
        currency,
        range_agg(days) as days
    from lasting
    where tenor_months = 3
    group by currency
),

-- The yield of three months goes before the policy rate.
chosen as (
    select
        lasting.*,
        unnest(
            case
                when lasting.tenor_months = 3 or quoted.days is null then datemultirange(lasting.days)
                else datemultirange(lasting.days) - quoted.days
            end
        ) as piece
    from lasting
    left join quoted on lasting.currency = quoted.currency
)

select
    currency,
    annual_rate,
    series,
    tenor_months,
    rate_date,
    load_id,
    'ok' as quality,
    'risk-free-1' as method_version,
    lower(piece) as valid_from,
    upper(piece) as valid_to
from chosen
