{{ config(tags=['decisions']) }}

select
    plans.plan_id,
    plans.tax_unit_id,
    plans.night,
    plans.valuation_date,
    plans.status,
    plans.reason,
    plans.objective,
    plans.lower_bound,
    plans.gap,
    plans.drift_before,
    plans.drift_after,
    plans.cost_reporting,
    plans.naive_cost_reporting,
    plans.reporting_currency,
    plans.lambda,
    {{ quality('plans.drift_before is null', 'false', 'false') }} as quality,
    'orders-2' as method_version
from {{ ref('stg_computed__rebalance_plans') }} as plans
inner join {{ ref('stg_ops__nights') }} as nights
    on plans.night = nights.night
