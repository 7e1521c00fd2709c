{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=[
            "valuation_date >= {{ first_touched_day('values') }}",
            "valuation_date not in (select days.valuation_date from {{ ref('int_holding_days') }} as days)"
        ],
        on_schema_change='fail',
        tags=['values']
    )
}}

{%- set first_day = first_touched_day('values') %}

with days as (
    select valuation_date from {{ ref('int_holding_days') }}
    {% if is_incremental() -%}
        where
            valuation_date >= {{ first_day }}
            or valuation_date not in (select built.valuation_date from {{ this }} as built)
    {%- endif %}
),

units_held as (
    select
        positions.account_id,
        positions.portfolio_id,
        positions.instrument_id,
        prices.valuation_date,
        positions.units,
        prices.price_local,
        case when prices.is_priced then prices.price_date end as price_date,
        prices.price_load_id,
        prices.price_line,
        prices.local_currency,
        positions.price_cost_account,
        positions.tax_cost_account,
        prices.is_carried,
        prices.is_estimated
    from {{ ref('fct_positions') }} as positions
    inner join days
        on positions.valid_from <= days.valuation_date and (positions.valid_to is null or positions.valid_to > days.valuation_date)
    inner join {{ ref('int_prices_carried') }} as prices
        on positions.instrument_id = prices.instrument_id and days.valuation_date = prices.valuation_date
    where positions.units <> 0
),

cash_held as (
    select
        balances.account_id,
        balances.portfolio_id,
        instruments.instrument_id,
        days.valuation_date,
        cast(balances.balance_account + balances.in_transit_account as numeric(38, 18)) as units,
        cast(1 as numeric(28, 10)) as price_local,
        days.valuation_date as price_date,
        cast(null as uuid) as price_load_id,
        cast(null as integer) as price_line,
        balances.account_currency as local_currency,
        cast(balances.balance_account + balances.in_transit_account as numeric(28, 8)) as price_cost_account,
        cast(balances.balance_account + balances.in_transit_account as numeric(28, 8)) as tax_cost_account,
        false as is_carried,
        false as is_estimated
    from {{ ref('fct_cash_balances') }} as balances
    inner join days
        on balances.valid_from <= days.valuation_date and (balances.valid_to is null or balances.valid_to > days.valuation_date)
    inner join {{ ref('int_instruments_listed') }} as instruments
        on instruments.instrument_code = 'cash:' || balances.account_currency
    where balances.balance_account is null or balances.balance_account + balances.in_transit_account <> 0
),

held as (
    select * from units_held
    union all
    select * from cash_held
),

converted as (
    select
        held.*,
        accounts.account_currency,
        portfolios.portfolio_currency,
        to_account.rate as fx_to_account,
        to_portfolio.rate as fx_to_portfolio,
        account_to_portfolio.rate as fx_account_to_portfolio,
        cast(held.units * held.price_local as numeric(28, 8)) as value_local,
        cast(held.units * held.price_local * to_account.rate as numeric(28, 8)) as value_account,
        cast(held.units * held.price_local * to_portfolio.rate as numeric(28, 8)) as value_portfolio,
        held.is_carried or coalesce(to_portfolio.days_carried > 0, false) as is_any_carried
    from held
    inner join {{ ref('dim_accounts') }} as accounts
        on held.account_id = accounts.account_id
    inner join {{ ref('dim_portfolios') }} as portfolios
        on held.portfolio_id = portfolios.portfolio_id
    left join {{ ref('fct_fx_rates_daily') }} as to_account
        on
            held.local_currency = to_account.from_currency
            and accounts.account_currency = to_account.to_currency
            and held.valuation_date = to_account.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as to_portfolio
        on
            held.local_currency = to_portfolio.from_currency
            and portfolios.portfolio_currency = to_portfolio.to_currency
            and held.valuation_date = to_portfolio.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as account_to_portfolio
        on
            accounts.account_currency = account_to_portfolio.from_currency
            and portfolios.portfolio_currency = account_to_portfolio.to_currency
            and held.valuation_date = account_to_portfolio.valuation_date
),

portfolio_totals as (
    select
        portfolio_id,
        valuation_date,
        case when count(*) = count(value_portfolio) then sum(value_portfolio) end as total_portfolio
    from converted
    group by portfolio_id, valuation_date
)

select
    converted.account_id,
    converted.portfolio_id,
    converted.instrument_id,
    converted.valuation_date,
    converted.units,
    converted.price_local,
    converted.price_date,
    converted.price_load_id,
    converted.price_line,
    converted.local_currency,
    converted.fx_to_account,
    converted.fx_to_portfolio,
    converted.value_local,
    converted.value_account,
    converted.value_portfolio,
    converted.price_cost_account,
    converted.tax_cost_account,
    cast(converted.price_cost_account * converted.fx_account_to_portfolio as numeric(28, 8)) as cost_portfolio,
    cast(converted.value_account - converted.price_cost_account as numeric(28, 8)) as gain_account,
    cast(
        converted.value_portfolio - cast(converted.price_cost_account * converted.fx_account_to_portfolio as numeric(28, 8))
        as numeric(28, 8)
    ) as gain_portfolio,
    cast(converted.value_portfolio / nullif(portfolio_totals.total_portfolio, 0) as numeric(20, 12)) as weight,
    converted.account_currency,
    converted.portfolio_currency,
    {{
        quality(
            'converted.value_account is null or converted.value_portfolio is null',
            'converted.is_estimated',
            'converted.is_any_carried'
        )
    }} as quality,
    converted.price_date as oldest_price_date,
    cast(case when converted.value_portfolio is not null then cast(converted.is_any_carried as integer) end as numeric(20, 12))
        as carried_share,
    'values-1' as method_version
from converted
inner join portfolio_totals
    on
        converted.portfolio_id = portfolio_totals.portfolio_id
        and converted.valuation_date = portfolio_totals.valuation_date
