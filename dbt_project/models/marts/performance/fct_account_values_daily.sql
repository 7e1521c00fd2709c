{{
    config(
        materialized='incremental',
        incremental_strategy='touched_days',
        incremental_predicates=["valuation_date >= {{ first_touched_day('values') }}"],
        on_schema_change='fail',
        tags=['values'],
        pre_hook='{{ work_memory() }}'
    )
}}

with accounts as (
    {{ explained_from('values', ref('dim_accounts'), 'account_id', 'value_account') }}
),

days as (
    select
        account_values.account_id,
        account_values.portfolio_id,
        account_values.valuation_date,
        account_values.known_part_value_account,
        account_values.account_currency,
        account_values.is_incomplete_in_account,
        account_values.is_rate_carried,
        account_values.oldest_price_date,
        account_values.carried_value_portfolio,
        account_values.known_part_value_portfolio,
        cast(
            case
                when not account_values.is_incomplete_in_account then account_values.known_part_value_account
            end as numeric(28, 8)
        ) as value_account,
        cast(coalesce(flows.deposits_account, 0) as numeric(28, 8)) as deposits_account,
        cast(coalesce(flows.withdrawals_account, 0) as numeric(28, 8)) as withdrawals_account,
        cast(coalesce(flows.income_account, 0) as numeric(28, 8)) as income_account,
        cast(coalesce(flows.fees_account, 0) as numeric(28, 8)) as fees_account,
        cast(coalesce(flows.taxes_account, 0) as numeric(28, 8)) as taxes_account,
        account_values.is_estimated or coalesce(flows.is_estimated, false) as is_estimated,
        sum(
            coalesce(
                flows.deposits_account - flows.withdrawals_account
                + flows.income_account - flows.fees_account - flows.taxes_account,
                0
            )
        ) over (partition by account_values.account_id order by account_values.valuation_date) as explained_so_far
    from {{ ref('int_account_values_daily') }} as account_values
    inner join accounts
        on account_values.account_id = accounts.account_id and account_values.valuation_date >= accounts.explained_from
    left join {{ ref('int_account_flows_daily') }} as flows
        on account_values.account_id = flows.account_id and account_values.valuation_date = flows.flow_date
),

-- Days with and without a value are told apart below: gains of a gap fall on the first day with a value after it.
compared as (
    select
        *,
        value_account - explained_so_far as unexplained_so_far
    from days
),

gained as (
    select
        *,
        unexplained_so_far - coalesce(
            lag(unexplained_so_far) over (
                partition by account_id, unexplained_so_far is null order by valuation_date
            ),
            0
        ) as gains_account
    from compared
)

select
    account_id,
    portfolio_id,
    valuation_date,
    value_account,
    known_part_value_account,
    deposits_account,
    withdrawals_account,
    income_account,
    fees_account,
    taxes_account,
    cast(gains_account as numeric(28, 8)) as gains_account,
    account_currency,
    {{ quality('is_incomplete_in_account', 'is_estimated', 'carried_value_portfolio <> 0 or is_rate_carried') }} as quality,
    oldest_price_date,
    cast(
        case
            when value_account is not null
                then least(greatest(carried_value_portfolio / nullif(known_part_value_portfolio, 0), 0), 1)
        end as numeric(20, 12)
    ) as carried_share,
    'values-1' as method_version
from gained
where valuation_date >= {{ first_touched_day('values') }}
