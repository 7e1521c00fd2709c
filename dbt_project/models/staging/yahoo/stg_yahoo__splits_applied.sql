select distinct on (splits.symbol, splits.split_date)
    splits.symbol,
    splits.split_date as execution_date,
    cast(splits.numerator / splits.denominator as numeric(28, 12)) as ratio,
    min(loads.observed_at) over (partition by splits.symbol, splits.split_date) as named_at
from {{ source('yahoo', 'splits') }} as splits
inner join {{ ref('stg_ops__loads') }} as loads
    on splits.load_id = loads.load_id
order by splits.symbol asc, splits.split_date asc, splits.observed_at desc, splits.load_id desc
