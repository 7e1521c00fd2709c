{{ config(tags=['decisions']) }}

select
    alerts.alert_id,
    alerts.portfolio_id,
    alerts.rule,
    alerts.opened_night,
    alerts.valuation_date,
    alerts.observed,
    alerts.threshold,
    alerts.closed_night,
    'alerts-1' as method_version,
    coalesce(portfolio_values.quality, 'incomplete') as quality
from {{ ref('stg_computed__alerts') }} as alerts
left join {{ ref('fct_portfolio_values_daily') }} as portfolio_values
    on alerts.portfolio_id = portfolio_values.portfolio_id and alerts.valuation_date = portfolio_values.valuation_date
