{{ config(tags=['ledger']) }}

select distinct on (instrument_id)
    instrument_id,
    effective_date as ends_on,
    case action_kind
        when 'delisting' then 'delisted on '
        when 'merger' then 'merged into ' || successor_code || ' on '
        else 'renamed to ' || successor_code || ' on '
    end || to_char(effective_date, 'YYYY-MM-DD') as end_reason
from {{ ref('stg_books__instrument_successors') }}
where action_kind in ('delisting', 'merger', 'rename')
order by instrument_id, effective_date, action_kind
