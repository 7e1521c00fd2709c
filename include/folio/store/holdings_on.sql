-- Holdings of any day from intervals, prices and rates, as they were known at an instant; row-level security of
-- the caller holds. A later migration that drops this function or the view of restatements has it made anew.
create function marts.holdings_on(day date, instant timestamptz default 'infinity')
returns table (
    account_id uuid,
    portfolio_id uuid,
    instrument_id uuid,
    valuation_date date,
    units numeric(38, 18),
    price_local numeric(28, 10),
    price_date date,
    price_load_id uuid,
    price_line integer,
    local_currency text,
    value_local numeric(28, 8),
    value_account numeric(28, 8),
    account_currency text,
    value_portfolio numeric(28, 8),
    cost_portfolio numeric(28, 8),
    gain_portfolio numeric(28, 8),
    portfolio_currency text,
    weight numeric(20, 12),
    quality text,
    oldest_price_date date
)
language sql stable parallel safe
as $$
    with accounts as (
        select * from history.dim_accounts
        where known_from <= holdings_on.instant and (known_to is null or known_to > holdings_on.instant)
    ),
    portfolios as (
        select * from history.dim_portfolios
        where known_from <= holdings_on.instant and (known_to is null or known_to > holdings_on.instant)
    ),
    instruments as (
        select * from history.dim_instruments
        where known_from <= holdings_on.instant and (known_to is null or known_to > holdings_on.instant)
    ),
    rates as (
        select * from history.fct_fx_rates_daily as rates
        where rates.valuation_date = holdings_on.day
            and known_from <= holdings_on.instant and (known_to is null or known_to > holdings_on.instant)
    ),
    held as (
        select
            positions.account_id, positions.portfolio_id, positions.instrument_id, positions.units,
            prices.price_local, prices.price_date, prices.price_load_id, prices.price_line,
            coalesce(prices.local_currency, instruments.local_currency) as local_currency,
            positions.price_cost_account, prices.quality as price_quality
        from history.fct_positions as positions
        left join history.fct_prices_daily as prices
            on prices.instrument_id = positions.instrument_id
            and prices.valuation_date = holdings_on.day
            and prices.known_from <= holdings_on.instant
            and (prices.known_to is null or prices.known_to > holdings_on.instant)
        left join instruments on instruments.instrument_id = positions.instrument_id
        where positions.known_from <= holdings_on.instant
            and (positions.known_to is null or positions.known_to > holdings_on.instant)
            and positions.valid_from <= holdings_on.day
            and (positions.valid_to is null or positions.valid_to > holdings_on.day)
            and positions.units <> 0
        union all
        select
            balances.account_id, balances.portfolio_id, instruments.instrument_id, moved.balance,
            1, holdings_on.day, null, null,
            balances.account_currency, moved.balance, 'ok'
        from history.fct_cash_balances as balances
        -- Publications of before transits were counted have none.
        cross join lateral (
            select balances.balance_account + coalesce(balances.in_transit_account, 0) as balance
        ) as moved
        inner join instruments on instruments.instrument_code = 'cash:' || balances.account_currency
        where balances.known_from <= holdings_on.instant
            and (balances.known_to is null or balances.known_to > holdings_on.instant)
            and balances.valid_from <= holdings_on.day
            and (balances.valid_to is null or balances.valid_to > holdings_on.day)
            and (moved.balance is null or moved.balance <> 0)
    ),
    converted as (
        select
            held.*, accounts.account_currency, portfolios.portfolio_currency,
            (held.units * held.price_local)::numeric(28, 8) as value_local,
            (held.units * held.price_local * to_account.rate)::numeric(28, 8) as value_account,
            (held.units * held.price_local * to_portfolio.rate)::numeric(28, 8) as value_portfolio,
            (held.price_cost_account * account_to_portfolio.rate)::numeric(28, 8) as cost_portfolio,
            held.price_quality = 'carried' or coalesce(to_portfolio.days_carried > 0, false) as is_carried
        from held
        inner join accounts on accounts.account_id = held.account_id
        inner join portfolios on portfolios.portfolio_id = held.portfolio_id
        left join rates as to_account
            on to_account.from_currency = held.local_currency
            and to_account.to_currency = accounts.account_currency
        left join rates as to_portfolio
            on to_portfolio.from_currency = held.local_currency
            and to_portfolio.to_currency = portfolios.portfolio_currency
        left join rates as account_to_portfolio
            on account_to_portfolio.from_currency = accounts.account_currency
            and account_to_portfolio.to_currency = portfolios.portfolio_currency
    )
    select
        converted.account_id,
        converted.portfolio_id,
        converted.instrument_id,
        holdings_on.day,
        converted.units::numeric(38, 18),
        converted.price_local::numeric(28, 10),
        case when converted.price_local is not null then converted.price_date end,
        converted.price_load_id,
        converted.price_line,
        converted.local_currency,
        converted.value_local,
        converted.value_account,
        converted.account_currency,
        converted.value_portfolio,
        converted.cost_portfolio,
        (converted.value_portfolio - converted.cost_portfolio)::numeric(28, 8),
        converted.portfolio_currency,
        (
            converted.value_portfolio / nullif(
                case
                    when count(*) over portfolio = count(converted.value_portfolio) over portfolio
                        then sum(converted.value_portfolio) over portfolio
                end, 0
            )
        )::numeric(20, 12),
        case
            when converted.value_account is null or converted.value_portfolio is null then 'incomplete'
            when converted.price_quality = 'estimated' then 'estimated'
            when converted.is_carried then 'carried'
            else 'ok'
        end,
        case when converted.price_local is not null then converted.price_date end
    from converted
    window portfolio as (partition by converted.portfolio_id)
$$;
comment on function marts.holdings_on is
'Holdings of a day, valued from positions, cash, prices and rates as known at an instant (now without one).';
revoke execute on function marts.holdings_on from public;
grant execute on function marts.holdings_on to folio_reader;
