{{
    config(
        materialized='table',
        tags=['values'],
        indexes=[{'columns': ['portfolio_id', 'flow_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

with changes as (
    select
        portfolio_id,
        flow_date,
        flow_portfolio,
        is_flow_at_end,
        0 as income_portfolio,
        0 as fees_portfolio,
        0 as taxes_portfolio,
        is_estimated
    from {{ ref('int_transaction_effects') }}
    union all
    select
        portfolio_id,
        trade_date,
        0 as flow_portfolio,
        false as is_flow_at_end,
        income_portfolio,
        fees_portfolio,
        taxes_portfolio,
        is_estimated
    from {{ ref('int_transaction_effects') }}
)

select
    portfolio_id,
    flow_date,
    cast(sum(case when is_flow_at_end then 0 else greatest(flow_portfolio, 0) end) as numeric(28, 8))
        as deposits_start_portfolio,
    cast(sum(case when is_flow_at_end then greatest(flow_portfolio, 0) else 0 end) as numeric(28, 8))
        as deposits_end_portfolio,
    cast(sum(greatest(-flow_portfolio, 0)) as numeric(28, 8)) as withdrawals_portfolio,
    cast(sum(flow_portfolio) as numeric(28, 8)) as net_flow_portfolio,
    cast(sum(income_portfolio) as numeric(28, 8)) as income_portfolio,
    cast(sum(fees_portfolio) as numeric(28, 8)) as fees_portfolio,
    cast(sum(taxes_portfolio) as numeric(28, 8)) as taxes_portfolio,
    bool_or(is_estimated) as is_estimated
from changes
group by portfolio_id, flow_date
