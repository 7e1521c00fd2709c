-- A rate and its opposite multiply to one, up to the rounding of the smaller of the two to 12 decimals.
select
    there.from_currency,
    there.to_currency,
    there.valuation_date,
    there.rate * back.rate as product
from {{ ref('fct_fx_rates_daily') }} as there
inner join {{ ref('fct_fx_rates_daily') }} as back
    on
        there.from_currency = back.to_currency
        and there.to_currency = back.from_currency
        and there.valuation_date = back.valuation_date
where abs(there.rate * back.rate - 1) > 0.000000000001 * greatest(there.rate, back.rate, 1)
