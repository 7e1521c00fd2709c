with splits as (
    {{ now_known(source('polygon', 'splits'), ['ticker', 'execution_date']) }}
)

select
    ticker,
    execution_date,
    cast(split_to / split_from as numeric(28, 12)) as ratio,
    observed_at,
    known_basis,
    load_id
from splits
