{{ config(tags=['measures']) }}

select
    measures.portfolio_id,
    measures.valuation_date,
    measures.measure,
    measures.basis,
    measures.method,
    measures.confidence,
    measures.horizon_days,
    measures.window_days,
    measures.value,
    measures.observations,
    measures.note,
    {{ quality('measures.value is null', "portfolio_values.quality = 'estimated'", "portfolio_values.quality = 'carried'") }}
        as quality,
    'risk-1' as method_version
from {{ ref('stg_computed__risk_measures') }} as measures
inner join {{ ref('int_portfolio_values_daily') }} as portfolio_values
    on
        measures.portfolio_id = portfolio_values.portfolio_id
        and measures.valuation_date = portfolio_values.valuation_date
