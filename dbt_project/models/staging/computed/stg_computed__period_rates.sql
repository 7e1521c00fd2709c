select
    portfolio_id,
    period,
    start_date,
    end_date,
    twr,
    xirr,
    root_count,
    simple_return,
    modified_dietz,
    linked_modified_dietz,
    mean_investment as mean_investment_portfolio
from {{ source('computed', 'period_rates') }}
