{{ config(tags=['ledger']) }}

with rates as (
    select * from {{ ref('int_fx_rates_carried') }}
),

pairs as (
    select
        from_rates.currency as from_currency,
        to_rates.currency as to_currency,
        from_rates.valuation_date,
        from_rates.currency = to_rates.currency as is_same,
        case
            when from_rates.currency = to_rates.currency then 1
            else to_rates.units_per_eur / from_rates.units_per_eur
        end as rate,
        case
            when from_rates.currency = to_rates.currency then from_rates.valuation_date
            else least(from_rates.rate_date, to_rates.rate_date)
        end as rate_date,
        case
            when from_rates.currency = to_rates.currency then 0
            else greatest(from_rates.days_carried, to_rates.days_carried)
        end as days_carried,
        case
            when from_rates.currency = to_rates.currency then null
            when to_rates.currency = 'EUR' then from_rates.load_id
            else to_rates.load_id
        end as rate_load_id,
        coalesce(from_rates.missing_reason, to_rates.missing_reason) as missing_reason
    from rates as from_rates
    inner join rates as to_rates
        on from_rates.valuation_date = to_rates.valuation_date
)

select
    from_currency,
    to_currency,
    valuation_date,
    cast(rate as numeric(28, 12)) as rate,
    rate_date,
    cast(days_carried as integer) as days_carried,
    rate_load_id,
    {{ quality('rate is null', 'false', 'days_carried > 0') }} as quality,
    case when rate is null then missing_reason end as missing_reason,
    'rates-1' as method_version
from pairs
