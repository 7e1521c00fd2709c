{{ config(tags=['ledger']) }}

-- A repair was said of the chart that proves it, so with it the price stands on the basis of that chart's fetch.
select
    bars.session_date,
    bars.symbol,
    bars.load_id,
    bars.source_line,
    cast(
        bars.close_price
        * coalesce(repairs.price_factor, 1)
        * {{ yahoo_units_since(
            'bars.symbol', 'bars.session_date', 'coalesce(repairs.fetched_at, bars.fetched_at)'
        ) }}
        / coalesce(minor_currencies.per_unit, 1) as numeric(28, 10)
    ) as close_price,
    coalesce(minor_currencies.currency, bars.quote_currency) as quote_currency
from {{ ref('stg_yahoo__daily_bars') }} as bars
left join {{ ref('stg_yahoo__price_repairs') }} as repairs
    on
        bars.symbol = repairs.symbol
        and bars.session_date = repairs.session_date
        and bars.fetched_at <= repairs.fetched_at
left join {{ ref('minor_currencies') }} as minor_currencies
    on bars.quote_currency = minor_currencies.minor_code
