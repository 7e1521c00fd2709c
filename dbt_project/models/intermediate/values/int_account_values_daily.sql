{{
    config(
        materialized='table',
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

account_days as (
    select
        accounts.account_id,
        accounts.portfolio_id,
        accounts.account_currency,
        portfolios.portfolio_currency,
        cast(days.day as date) as valuation_date
    from first_days
    inner join {{ ref('dim_accounts') }} as accounts
        on first_days.account_id = accounts.account_id
    inner join {{ ref('dim_portfolios') }} as portfolios
        on accounts.portfolio_id = portfolios.portfolio_id
    cross join {{ ref('stg_ops__night') }} as night
    cross join lateral generate_series(
        cast(first_days.first_day as timestamp), cast(night.valuation_date as timestamp), interval '1 day'
    ) as days (day)
),

converted as (
    select
        account_days.account_id,
        account_days.portfolio_id,
        account_days.account_currency,
        account_days.portfolio_currency,
        account_days.valuation_date,
        parts.oldest_price_date,
        parts.is_estimated,
        parts.known_value_local * to_account.rate as known_value_account,
        parts.known_value_local * to_portfolio.rate as known_value_portfolio,
        case
            when to_portfolio.days_carried > 0 then parts.known_value_local else parts.carried_value_local
        end * to_portfolio.rate as carried_value_portfolio,
        parts.known_value_local <> 0 and to_portfolio.days_carried > 0 as is_rate_carried,
        case when parts.missing_parts > 0 or (parts.known_value_local <> 0 and to_account.rate is null) then 1 else 0 end
            as missing_in_account,
        case when parts.missing_parts > 0 or (parts.known_value_local <> 0 and to_portfolio.rate is null) then 1 else 0 end
            as missing_in_portfolio
    from account_days
    left join {{ ref('int_account_currency_values_daily') }} as parts
        on account_days.account_id = parts.account_id and account_days.valuation_date = parts.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_account
        on
            parts.local_currency = to_account.from_currency
            and account_days.account_currency = to_account.to_currency
            and account_days.valuation_date = to_account.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_portfolio
        on
            parts.local_currency = to_portfolio.from_currency
            and account_days.portfolio_currency = to_portfolio.to_currency
            and account_days.valuation_date = to_portfolio.valuation_date
)

select
    account_id,
    portfolio_id,
    account_currency,
    portfolio_currency,
    valuation_date,
    cast(coalesce(sum(known_value_account), 0) as numeric(28, 8)) as known_part_value_account,
    cast(coalesce(sum(known_value_portfolio), 0) as numeric(28, 8)) as known_part_value_portfolio,
    cast(coalesce(sum(carried_value_portfolio), 0) as numeric(28, 8)) as carried_value_portfolio,
    sum(missing_in_account) > 0 as is_incomplete_in_account,
    sum(missing_in_portfolio) > 0 as is_incomplete_in_portfolio,
    coalesce(bool_or(is_estimated), false) as is_estimated,
    coalesce(bool_or(is_rate_carried), false) as is_rate_carried,
    min(oldest_price_date) as oldest_price_date
from converted
group by account_id, portfolio_id, account_currency, portfolio_currency, valuation_date
