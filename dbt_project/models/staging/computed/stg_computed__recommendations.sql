select
    recommendation_id,
    account_id,
    portfolio_id,
    night,
    rank,
    action,
    headline,
    body,
    facts,
    writer,
    model,
    prompt_version,
    checks
from {{ source('computed', 'recommendations') }}
