-- What jobs in Python make; each row can be made again from raw and build.
create table computed.lots (
    account_id uuid not null,
    instrument_id uuid not null,
    lot_id uuid not null,
    lot_method text not null,
    opening_transaction_id uuid not null,
    acquisition_date date not null,
    opened_on date not null,
    units_acquired numeric(38, 18) not null,
    units_open numeric(38, 18) not null,
    price_cost_open_account numeric(28, 8) not null,
    tax_cost_open_account numeric(28, 8) not null,
    primary key (lot_id)
);
create index lots_by_account on computed.lots (account_id);
comment on table computed.lots is 'Units bought together as they stand on the valuation date; units on the split basis of that date.';

create table computed.lot_matches (
    account_id uuid not null,
    instrument_id uuid not null,
    closing_transaction_id uuid not null,
    lot_id uuid not null,
    acquisition_date date not null,
    sale_date date not null,
    units numeric(38, 18) not null,
    price_cost_account numeric(28, 8) not null,
    tax_cost_account numeric(28, 8) not null,
    proceeds_account numeric(28, 8) not null,
    primary key (closing_transaction_id, lot_id)
);
create index lot_matches_by_account on computed.lot_matches (account_id);
comment on table computed.lot_matches is 'Part of a lot that a sale closed; proceeds after fees and taxes.';

create table computed.position_intervals (
    account_id uuid not null,
    instrument_id uuid not null,
    lot_method text not null,
    valid_from date not null,
    valid_to date,
    units numeric(38, 18) not null,
    price_cost_account numeric(28, 8) not null,
    tax_cost_account numeric(28, 8) not null,
    primary key (account_id, instrument_id, lot_method, valid_from)
);
comment on table computed.position_intervals is 'Days (valid_to exclusive, null while it lasts) with constant units and cost at the end of each day.';

create table computed.ledger_rejections (
    transaction_id uuid primary key,
    account_id uuid not null,
    reason text not null
);
comment on table computed.ledger_rejections is 'Booked events that the ledger refuses, such as selling more than held; they change no position and no cash.';

create table computed.portfolio_returns_daily (
    portfolio_id uuid not null,
    valuation_date date not null,
    daily_return numeric(20, 12),
    cumulative_twr numeric(20, 12),
    is_restart boolean not null,
    primary key (portfolio_id, valuation_date)
);
comment on table computed.portfolio_returns_daily is 'Time-weighted return of the day and chained since inception or the last restart, as fractions.';

create table computed.period_rates (
    portfolio_id uuid not null,
    period text not null,
    start_date date not null,
    end_date date not null,
    twr numeric(20, 12),
    xirr numeric(20, 12),
    root_count integer,
    simple_return numeric(20, 12),
    primary key (portfolio_id, period)
);
comment on table computed.period_rates is 'Rates of return of a portfolio over a period that ends on the valuation date; start_date is the day whose closing value is the initial value.';

create table computed.risk_measures (
    portfolio_id uuid not null,
    valuation_date date not null,
    measure text not null,
    basis text not null,
    method text not null,
    confidence numeric(6, 4) not null,
    horizon_days integer not null,
    window_days integer not null,
    value numeric(20, 12),
    observations integer not null,
    note text,
    primary key (portfolio_id, valuation_date, measure, basis, method, confidence, horizon_days, window_days)
);
comment on table computed.risk_measures is 'Risk measure of a portfolio; confidence 0 and horizon 0 where they have no meaning; value null with a note.';

create table computed.rebalance_plans (
    plan_id uuid primary key,
    tax_unit_id uuid not null,
    night text not null,
    valuation_date date not null,
    status text not null,
    reason text,
    objective numeric(28, 8),
    lower_bound numeric(28, 8),
    gap numeric(20, 12),
    drift_before numeric(20, 12),
    drift_after numeric(20, 12),
    cost_reporting numeric(28, 8),
    naive_cost_reporting numeric(28, 8),
    reporting_currency text not null,
    lambda numeric(20, 12) not null,
    unique (tax_unit_id, night)
);
comment on table computed.rebalance_plans is 'Proposed orders of one tax unit on one night: what was optimised, how well, and why none where none.';

create table computed.rebalance_orders (
    order_id uuid primary key,
    plan_id uuid not null references computed.rebalance_plans on delete cascade,
    portfolio_id uuid not null,
    account_id uuid not null,
    instrument_id uuid not null,
    side text not null check (side in ('buy', 'sell')),
    units numeric(38, 18) not null check (units > 0),
    price_local numeric(28, 10) not null,
    local_currency text not null,
    amount_account numeric(28, 8) not null,
    account_currency text not null,
    reason text not null
);
comment on table computed.rebalance_orders is 'One order of a plan.';

create table computed.recommendations (
    recommendation_id uuid primary key,
    account_id uuid not null,
    portfolio_id uuid not null,
    night text not null,
    rank integer not null,
    action text not null,
    headline text not null,
    body text not null,
    facts jsonb not null,
    writer text not null,
    model text,
    prompt_version text not null,
    checks jsonb not null,
    unique (account_id, night, rank)
);
comment on table computed.recommendations is 'Ranked actions for an account on one night with their text, the facts cited and the checks passed.';

create table computed.advice_calls (
    call_id uuid primary key,
    account_id uuid not null,
    night text not null,
    attempt integer not null,
    model text not null,
    prompt_version text not null,
    prompt_tokens integer,
    completion_tokens integer,
    latency_ms integer,
    verdict text not null
);
comment on table computed.advice_calls is 'Every question to a language model: tokens, latency and verdict of the checks.';

create table computed.alerts (
    alert_id uuid primary key,
    portfolio_id uuid not null,
    rule text not null,
    opened_night text not null,
    valuation_date date not null,
    observed numeric(20, 12) not null,
    threshold numeric(20, 12) not null,
    closed_night text
);
comment on table computed.alerts is 'Episode in which a rule of a portfolio is broken: opened once, closed when it holds again.';
