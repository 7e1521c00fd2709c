{{
    config(
        materialized='table',
        tags=['values'],
        indexes=[{'columns': ['portfolio_id', 'flow_date'], 'unique': true}],
        post_hook='analyze {{ this }}'
    )
}}

select
    portfolio_id,
    trade_date as flow_date,
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
from {{ ref('int_transaction_effects') }}
group by portfolio_id, trade_date
