{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('values') }}"],
        on_schema_change='fail',
        tags=['values'],
        indexes=[{'columns': ['account_id', 'valuation_date', 'local_currency'], 'unique': true}],
        pre_hook='{{ work_memory() }}',
        post_hook='analyze {{ this }}'
    )
}}

with accounts as (
    select account_id
    from {{ ref('dim_accounts') }}
    order by account_id
)

-- The one join of positions with days; everything after it works on account, currency and day.
-- Account by account, so that the sums of one fit into memory and rows lie in the order in which they are read.
select
    days.known_value_local,
    days.carried_value_local,
    days.missing_parts,
    days.oldest_price_date,
    accounts.account_id,
    days.local_currency,
    days.valuation_date,
    days.is_estimated
from accounts
cross join lateral ( -- noqa: ST05
    with parts as (
        select
            prices.local_currency,
            prices.valuation_date,
            positions.units * prices.price_local as value_local,
            case when prices.is_carried then positions.units * prices.price_local end as carried_value_local,
            case when prices.price_local is null then 1 else 0 end as missing_parts,
            case when prices.is_priced then prices.price_date end as price_date,
            prices.is_estimated
        from {{ ref('fct_positions') }} as positions
        inner join {{ ref('int_prices_carried') }} as prices
            on
                positions.instrument_id = prices.instrument_id
                and positions.valid_from <= prices.valuation_date
                and prices.valuation_date < coalesce(positions.valid_to, cast('infinity' as date))
        where
            positions.account_id = accounts.account_id
            and prices.valuation_date >= {{ first_touched_day('values') }}
        union all
        select
            balances.account_currency as local_currency,
            cast(days.day as date) as valuation_date,
            balances.balance_account + balances.in_transit_account as value_local,
            null as carried_value_local,
            case when balances.balance_account is null then 1 else 0 end as missing_parts,
            null as price_date,
            false as is_estimated
        from {{ ref('fct_cash_balances') }} as balances
        cross join {{ ref('stg_ops__night') }} as night
        cross join
            lateral generate_series(
                cast(greatest(balances.valid_from, {{ first_touched_day('values') }}) as timestamp),
                cast(coalesce(balances.valid_to - 1, night.valuation_date) as timestamp),
                interval '1 day'
            ) as days (day)
        where balances.account_id = accounts.account_id
    )

    select
        local_currency,
        valuation_date,
        cast(coalesce(sum(value_local), 0) as numeric(28, 8)) as known_value_local,
        cast(coalesce(sum(carried_value_local), 0) as numeric(28, 8)) as carried_value_local,
        cast(sum(missing_parts) as integer) as missing_parts,
        min(price_date) as oldest_price_date,
        coalesce(bool_or(is_estimated), false) as is_estimated
    from parts
    group by local_currency, valuation_date
    order by valuation_date, local_currency
) as days
