with portfolios as (
    {{ now_known(source('books', 'portfolios'), ['portfolio_key']) }}
)

select
    portfolio_ids.surrogate_id as portfolio_id,
    portfolios.portfolio_key as portfolio_code,
    portfolios.name as portfolio_name,
    investor_ids.surrogate_id as investor_id,
    portfolios.currency as portfolio_currency,
    portfolios.var_limit,
    portfolios.drift_band
from portfolios
inner join {{ ref('stg_books__identities') }} as portfolio_ids
    on portfolio_ids.identity_kind = 'portfolio' and portfolios.portfolio_key = portfolio_ids.source_key
inner join {{ ref('stg_books__identities') }} as investor_ids
    on investor_ids.identity_kind = 'investor' and portfolios.investor_key = investor_ids.source_key
