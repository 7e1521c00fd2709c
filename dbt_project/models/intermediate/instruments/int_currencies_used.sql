{{ config(materialized='table', tags=['ledger']) }}

with named as (
    select
        account_currency as currency,
        false as is_of_portfolio
    from {{ ref('stg_books__accounts') }}
    union all
    select
        portfolio_currency as currency,
        true as is_of_portfolio
    from {{ ref('stg_books__portfolios') }}
    union all
    select
        local_currency as currency,
        false as is_of_portfolio
    from {{ ref('stg_books__instruments') }}
    union all
    select
        local_currency as currency,
        false as is_of_portfolio
    from {{ ref('stg_books__transactions') }}
    union all
    select
        {{ reporting_currency() }} as currency,
        false as is_of_portfolio
)

select
    currency,
    bool_or(is_of_portfolio) as is_of_portfolio
from named
group by currency
