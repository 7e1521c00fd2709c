{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('values') }}"],
        on_schema_change='fail',
        tags=['values'],
        indexes=[{'columns': ['account_id', 'valuation_date'], 'unique': true}],
        pre_hook='{{ work_memory() }}',
        post_hook='analyze {{ this }}'
    )
}}

with first_days as (
    select
        account_id,
        min(trade_date) as first_day
    from {{ ref('int_transaction_effects') }}
    group by account_id
),

accounts as (
    select
        accounts.account_id,
        accounts.portfolio_id,
        accounts.account_currency,
        portfolios.portfolio_currency,
        first_days.first_day,
        night.valuation_date as last_day
    from first_days
    inner join {{ ref('dim_accounts') }} as accounts
        on first_days.account_id = accounts.account_id
    inner join {{ ref('dim_portfolios') }} as portfolios
        on accounts.portfolio_id = portfolios.portfolio_id
    cross join {{ ref('stg_ops__night') }} as night
    order by accounts.account_id
)

-- Account by account, so that the sums of one fit into memory and rows lie in the order in which they are read.
select
    accounts.account_id,
    accounts.portfolio_id,
    accounts.account_currency,
    accounts.portfolio_currency,
    totals.valuation_date,
    totals.known_part_value_account,
    totals.known_part_value_portfolio,
    totals.carried_value_portfolio,
    totals.is_incomplete_in_account,
    totals.is_incomplete_in_portfolio,
    totals.is_estimated,
    totals.is_rate_carried,
    totals.oldest_price_date
from accounts
cross join lateral ( -- noqa: ST05
    with account_days as (
        select cast(days.day as date) as valuation_date
        from generate_series(
            cast(greatest(accounts.first_day, {{ first_touched_day('values') }}) as timestamp),
            cast(accounts.last_day as timestamp),
            interval '1 day'
        ) as days (day)
    )

    select
        account_days.valuation_date,
        cast(coalesce(sum(parts.known_value_local * to_account.rate), 0) as numeric(28, 8)) as known_part_value_account,
        cast(coalesce(sum(parts.known_value_local * to_portfolio.rate), 0) as numeric(28, 8))
            as known_part_value_portfolio,
        cast(
            coalesce(
                sum(
                    case
                        when to_portfolio.days_carried > 0 then parts.known_value_local
                        else parts.carried_value_local
                    end * to_portfolio.rate
                ),
                0
            ) as numeric(28, 8)
        ) as carried_value_portfolio,
        coalesce(
            bool_or(parts.missing_parts > 0 or (parts.known_value_local <> 0 and to_account.rate is null)), false
        ) as is_incomplete_in_account,
        coalesce(
            bool_or(parts.missing_parts > 0 or (parts.known_value_local <> 0 and to_portfolio.rate is null)), false
        ) as is_incomplete_in_portfolio,
        coalesce(bool_or(parts.is_estimated), false) as is_estimated,
        coalesce(bool_or(parts.known_value_local <> 0 and to_portfolio.days_carried > 0), false) as is_rate_carried,
        min(parts.oldest_price_date) as oldest_price_date
    from account_days
    left join {{ ref('int_account_currency_values_daily') }} as parts
        on
            accounts.account_id = parts.account_id
            and account_days.valuation_date = parts.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_account
        on
            parts.local_currency = to_account.from_currency
            and accounts.account_currency = to_account.to_currency
            and parts.valuation_date = to_account.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_portfolio
        on
            parts.local_currency = to_portfolio.from_currency
            and accounts.portfolio_currency = to_portfolio.to_currency
            and parts.valuation_date = to_portfolio.valuation_date
    group by account_days.valuation_date
    order by account_days.valuation_date
) as totals
