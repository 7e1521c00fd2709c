select
    plan_id,
    tax_unit_id,
    night,
    valuation_date,
    status,
    reason,
    objective,
    lower_bound,
    gap,
    drift_before,
    drift_after,
    cost_reporting,
    naive_cost_reporting,
    reporting_currency,
    lambda
from {{ source('computed', 'rebalance_plans') }}
