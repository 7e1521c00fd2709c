{{
    config(
        materialized='table',
        tags=['values'],
        indexes=[{'columns': ['account_id', 'flow_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

with changes as (
    select
        account_id,
        flow_date,
        flow_account,
        0 as income_account,
        0 as fees_account,
        0 as taxes_account,
        is_estimated
    from {{ ref('int_transaction_effects') }}
    union all
    select
        account_id,
        trade_date,
        0 as flow_account,
        income_account,
        fees_account,
        taxes_account,
        is_estimated
    from {{ ref('int_transaction_effects') }}
)

select
    account_id,
    flow_date,
    cast(sum(greatest(flow_account, 0)) as numeric(28, 8)) as deposits_account,
    cast(sum(greatest(-flow_account, 0)) as numeric(28, 8)) as withdrawals_account,
    cast(sum(income_account) as numeric(28, 8)) as income_account,
    cast(sum(fees_account) as numeric(28, 8)) as fees_account,
    cast(sum(taxes_account) as numeric(28, 8)) as taxes_account,
    bool_or(is_estimated) as is_estimated
from changes
group by account_id, flow_date
