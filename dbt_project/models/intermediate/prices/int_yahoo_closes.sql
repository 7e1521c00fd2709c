{{ config(tags=['ledger']) }}

select
    bars.session_date,
    bars.symbol,
    bars.load_id,
    bars.source_line,
    cast(
        bars.close_price
        * {{ yahoo_units_since('bars.symbol', 'bars.session_date', 'bars.fetched_at') }}
        / coalesce(minor_currencies.per_unit, 1) as numeric(28, 10)
    ) as close_price,
    coalesce(minor_currencies.currency, bars.quote_currency) as quote_currency
from {{ ref('stg_yahoo__daily_bars') }} as bars
left join {{ ref('minor_currencies') }} as minor_currencies
    on bars.quote_currency = minor_currencies.minor_code
