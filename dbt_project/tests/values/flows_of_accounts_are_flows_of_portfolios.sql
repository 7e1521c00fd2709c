-- In portfolios of one currency what moves between accounts cancels out, so both sums are the same.
with single_currency as (
    select accounts.portfolio_id
    from {{ ref('dim_accounts') }} as accounts
    inner join {{ ref('dim_portfolios') }} as portfolios
        on accounts.portfolio_id = portfolios.portfolio_id
    group by accounts.portfolio_id
    having bool_and(accounts.account_currency = portfolios.portfolio_currency)
),

of_accounts as (
    select
        portfolio_id,
        sum(deposits_account - withdrawals_account) as net_flow
    from {{ ref('fct_account_values_daily') }}
    group by portfolio_id
),

of_portfolios as (
    select
        portfolio_id,
        sum(net_flow_portfolio) as net_flow
    from {{ ref('int_portfolio_flows_daily') }}
    group by portfolio_id
)

select
    of_accounts.portfolio_id,
    of_accounts.net_flow as net_flow_of_accounts,
    of_portfolios.net_flow as net_flow_of_portfolio
from of_accounts
inner join single_currency
    on of_accounts.portfolio_id = single_currency.portfolio_id
inner join of_portfolios
    on of_accounts.portfolio_id = of_portfolios.portfolio_id
where abs(of_accounts.net_flow - of_portfolios.net_flow) > 0.01
