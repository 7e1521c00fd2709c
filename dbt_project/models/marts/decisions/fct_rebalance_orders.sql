{{ config(tags=['decisions']) }}

select
    orders.order_id,
    orders.plan_id,
    plans.tax_unit_id,
    orders.portfolio_id,
    orders.account_id,
    orders.instrument_id,
    plans.night,
    plans.valuation_date,
    orders.side,
    orders.units,
    orders.price_local,
    orders.local_currency,
    orders.amount_account,
    orders.account_currency,
    orders.reason,
    prices.price_date as oldest_price_date,
    cast(case prices.quality when 'ok' then 0 when 'carried' then 1 end as numeric(20, 12)) as carried_share,
    'orders-2' as method_version,
    coalesce(prices.quality, 'incomplete') as quality
from {{ ref('stg_computed__rebalance_orders') }} as orders
inner join {{ ref('fct_rebalance_plans') }} as plans
    on orders.plan_id = plans.plan_id
left join {{ ref('fct_prices_daily') }} as prices
    on orders.instrument_id = prices.instrument_id and plans.valuation_date = prices.valuation_date
