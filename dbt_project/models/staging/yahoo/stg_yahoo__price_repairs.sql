with repairs as (
    {{ now_known(source('yahoo', 'price_repairs'), ['session_date', 'symbol']) }}
)

select
    repairs.session_date,
    repairs.symbol,
    repairs.price_factor,
    repairs.reason,
    loads.observed_at as fetched_at,
    repairs.load_id
from repairs
inner join {{ ref('stg_ops__loads') }} as loads
    on repairs.load_id = loads.load_id
where repairs.price_factor <> 1
