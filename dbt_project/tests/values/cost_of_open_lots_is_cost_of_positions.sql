-- What open lots cost is what the position costs, with and without fees.
with lots as (
    select
        account_id,
        instrument_id,
        sum(units_open) as units,
        sum(price_cost_open_account) as price_cost_account,
        sum(tax_cost_open_account) as tax_cost_account
    from {{ ref('fct_tax_lots') }}
    group by account_id, instrument_id
)

select
    positions.account_id,
    positions.instrument_id,
    lots.units as units_of_lots,
    positions.units,
    lots.price_cost_account as price_cost_of_lots,
    positions.price_cost_account
from {{ ref('fct_positions') }} as positions
left join lots
    on positions.account_id = lots.account_id and positions.instrument_id = lots.instrument_id
where
    positions.valid_to is null
    and (
        lots.units is null
        or abs(lots.units - positions.units) > 0.000000001
        or abs(lots.price_cost_account - positions.price_cost_account) > 0.01
        or abs(lots.tax_cost_account - positions.tax_cost_account) > 0.01
    )
