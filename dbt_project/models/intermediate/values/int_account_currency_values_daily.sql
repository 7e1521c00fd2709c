{{
    config(
        materialized='table',
        tags=['values'],
        pre_hook='{{ work_memory() }}',
        post_hook='analyze {{ this }}'
    )
}}

with night as (
    select * from {{ ref('stg_ops__night') }}
),

-- The one join of positions with days; everything after it works on account, currency and day.
position_days as (
    select
        positions.account_id,
        prices.local_currency,
        prices.valuation_date,
        sum(positions.units * prices.price_local) as known_value_local,
        sum(case when prices.is_carried then positions.units * prices.price_local end) as carried_value_local,
        count(*) - count(prices.price_local) as missing_parts,
        min(case when prices.is_priced then prices.price_date end) as oldest_price_date,
        bool_or(prices.is_estimated) as is_estimated
    from {{ ref('fct_positions') }} as positions
    inner join {{ ref('int_prices_carried') }} as prices
        on
            positions.instrument_id = prices.instrument_id
            and positions.valid_from <= prices.valuation_date
            and prices.valuation_date < coalesce(positions.valid_to, cast('infinity' as date))
    group by positions.account_id, prices.local_currency, prices.valuation_date
),

cash_days as (
    select
        balances.account_id,
        balances.account_currency as local_currency,
        cast(days.day as date) as valuation_date,
        balances.balance_account
    from {{ ref('fct_cash_balances') }} as balances
    cross join night
    cross join lateral generate_series(
        cast(balances.valid_from as timestamp),
        cast(coalesce(balances.valid_to - 1, night.valuation_date) as timestamp),
        interval '1 day'
    ) as days (day)
)

select
    cast(
        coalesce(position_days.known_value_local, 0) + coalesce(cash_days.balance_account, 0) as numeric(28, 8)
    ) as known_value_local,
    cast(coalesce(position_days.carried_value_local, 0) as numeric(28, 8)) as carried_value_local,
    cast(
        coalesce(position_days.missing_parts, 0)
        + case when cash_days.account_id is not null and cash_days.balance_account is null then 1 else 0 end as integer
    ) as missing_parts,
    position_days.oldest_price_date,
    coalesce(position_days.account_id, cash_days.account_id) as account_id,
    coalesce(position_days.local_currency, cash_days.local_currency) as local_currency,
    coalesce(position_days.valuation_date, cash_days.valuation_date) as valuation_date,
    coalesce(position_days.is_estimated, false) as is_estimated
from position_days
full outer join cash_days
    on
        position_days.account_id = cash_days.account_id
        and position_days.local_currency = cash_days.local_currency
        and position_days.valuation_date = cash_days.valuation_date
