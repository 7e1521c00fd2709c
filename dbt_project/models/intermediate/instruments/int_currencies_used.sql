{{ config(materialized='table', tags=['ledger']) }}

with named as (
    select account_currency as currency, false as is_of_portfolio
    from {{ ref('stg_books__accounts') }}
    union all
    select portfolio_currency, true
    from {{ ref('stg_books__portfolios') }}
    union all
    select local_currency, false
    from {{ ref('stg_books__instruments') }}
    union all
    select local_currency, false
    from {{ ref('stg_books__transactions') }}
    union all
    select '{{ env_var("FOLIO_DBT_REPORTING_CURRENCY", "EUR") }}', false
)

select
    currency,
    bool_or(is_of_portfolio) as is_of_portfolio
from named
group by currency
