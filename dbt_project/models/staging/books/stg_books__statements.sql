with statements as (
    {{ now_known(source('books', 'statements'), ['account_key', 'instrument_key', 'statement_date']) }}
)

select
    account_ids.surrogate_id as account_id,
    instrument_ids.surrogate_id as instrument_id,
    statements.statement_date,
    statements.units,
    statements.opening_units,
    statements.own_units,
    statements.gap_date,
    statements.first_line,
    statements.last_line,
    statements.load_id,
    statements.line as source_line
from statements
inner join {{ ref('stg_books__identities') }} as account_ids
    on account_ids.identity_kind = 'account' and statements.account_key = account_ids.source_key
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and statements.instrument_key = instrument_ids.source_key
