{{ config(tags=['values']) }}

with valued as (
    select
        lots.*,
        accounts.portfolio_id,
        accounts.account_currency,
        prices.valuation_date,
        prices.is_estimated,
        cast(lots.units_open * prices.price_local * rates.rate as numeric(28, 8)) as value_account,
        case when prices.is_priced then prices.price_date end as price_date,
        prices.is_carried or coalesce(rates.days_carried > 0, false) as is_any_carried
    from {{ ref('stg_computed__lots') }} as lots
    inner join {{ ref('dim_accounts') }} as accounts
        on lots.account_id = accounts.account_id
    cross join {{ ref('stg_ops__night') }} as night
    inner join {{ ref('int_prices_carried') }} as prices
        on lots.instrument_id = prices.instrument_id and night.valuation_date = prices.valuation_date
    left join {{ ref('fct_fx_rates_daily') }} as rates
        on
            prices.local_currency = rates.from_currency
            and accounts.account_currency = rates.to_currency
            and prices.valuation_date = rates.valuation_date
)

select
    lot_id,
    account_id,
    portfolio_id,
    instrument_id,
    lot_method,
    acquisition_date,
    opened_on,
    opening_transaction_id,
    units_acquired,
    units_open,
    price_cost_open_account,
    tax_cost_open_account,
    cost_added_account,
    value_account,
    cast(value_account - tax_cost_open_account as numeric(28, 8)) as gain_account,
    account_currency,
    valuation_date,
    {{ quality('value_account is null', 'is_estimated', 'is_any_carried') }} as quality,
    price_date as oldest_price_date,
    cast(case when value_account is not null then cast(is_any_carried as integer) end as numeric(20, 12)) as carried_share,
    'lots-2' as method_version
from valued
