{{ config(materialized='table', tags=['ledger']) }}

with prices as (
    select
        prices.instrument_id,
        prices.valuation_date,
        currencies.currency,
        prices.price_local * prices.split_factor * rates.rate as comparable_price
    from {{ ref('int_prices_carried') }} as prices
    cross join {{ ref('int_currencies_used') }} as currencies
    cross join {{ ref('stg_ops__night') }} as night
    left join {{ ref('fct_fx_rates_daily') }} as rates
        on
            prices.local_currency = rates.from_currency
            and currencies.currency = rates.to_currency
            and prices.valuation_date = rates.valuation_date
    where
        currencies.is_of_portfolio
        and prices.valuation_date >= {{ risk_window_start('night.valuation_date') }}
        and extract(isodow from prices.valuation_date) <= 5
),

compared as (
    select
        instrument_id,
        currency,
        valuation_date,
        comparable_price,
        lag(comparable_price) over (
            partition by instrument_id, currency order by valuation_date
        ) as previous_price
    from prices
)

select
    instrument_id,
    currency,
    valuation_date,
    cast(comparable_price / nullif(previous_price, 0) - 1 as numeric(20, 12)) as price_return
from compared
