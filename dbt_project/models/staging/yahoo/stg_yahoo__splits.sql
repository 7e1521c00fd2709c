with splits as (
    {{ now_known(source('yahoo', 'splits'), ['symbol', 'split_date']) }}
)

select
    symbol,
    split_date as execution_date,
    cast(numerator / denominator as numeric(28, 12)) as ratio,
    observed_at,
    known_basis,
    load_id
from splits
