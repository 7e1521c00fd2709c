with fund_terms as (
    {{ now_known(source('books', 'fund_terms'), ['instrument_key', 'valid_from']) }}
)

select
    instrument_ids.surrogate_id as instrument_id,
    fund_terms.valid_from,
    fund_terms.expense_ratio,
    fund_terms.riskometer,
    benchmark_ids.surrogate_id as benchmark_id
from fund_terms
inner join {{ ref('stg_books__identities') }} as instrument_ids
    on instrument_ids.identity_kind = 'instrument' and fund_terms.instrument_key = instrument_ids.source_key
left join {{ ref('stg_books__identities') }} as benchmark_ids
    on benchmark_ids.identity_kind = 'instrument' and fund_terms.benchmark_key = benchmark_ids.source_key
