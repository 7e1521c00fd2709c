-- Versions of clients' own records, as the book files say them; keys are the files' own, ids come later.
create table raw.book_investors (
    investor_key text not null,
    household_key text not null,
    tax_unit_key text not null,
    name text not null,
    email text,
    residency text not null,
    risk_profile text not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (investor_key, observed_at, load_id)
);
comment on table raw.book_investors is 'Client with household, tax unit, residency (ISO country) and risk profile; personal data.';

create table raw.book_portfolios (
    portfolio_key text not null,
    investor_key text not null,
    name text not null,
    currency text not null,
    var_limit numeric(20, 12),
    drift_band numeric(20, 12) not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (portfolio_key, observed_at, load_id)
);
comment on table raw.book_portfolios is 'Reporting unit of an investor; var_limit is the share of value that one-day 95 % VaR may reach, drift_band the drift that asks for orders.';

create table raw.book_accounts (
    account_key text not null,
    portfolio_key text not null,
    name text not null,
    kind text not null check (kind in ('brokerage', 'folio', 'retirement', 'exchange', 'wallet')),
    currency text not null,
    tax_regime text not null,
    lot_method text not null,
    cash_model text not null check (cash_model in ('kept', 'implied')),
    flow_timing text not null check (flow_timing in ('start', 'end')),
    opened_on date not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (account_key, observed_at, load_id)
);
comment on table raw.book_accounts is 'Where units are held, with its currency, kind, tax regime, lot method, cash model and flow timing.';

create table raw.book_account_owners (
    account_key text not null,
    investor_key text not null,
    valid_from date not null,
    valid_to date,
    share numeric(20, 12) not null check (share > 0 and share <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (account_key, investor_key, valid_from, observed_at, load_id)
);
comment on table raw.book_account_owners is 'Who owns which share of an account between two days (valid_to exclusive, null while it lasts).';

create table raw.book_instruments (
    instrument_key text not null,
    kind text not null check (kind in ('fund', 'equity', 'etf', 'bond', 'crypto', 'cash', 'index', 'fx')),
    name text not null,
    currency text not null,
    asset_class text not null,
    sector text not null,
    region text not null,
    whole_units boolean not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, observed_at, load_id)
);
comment on table raw.book_instruments is 'Reference facts of an instrument; whole_units where no fractions can be traded.';

create table raw.book_instrument_aliases (
    scheme text not null check (scheme in ('amfi', 'isin', 'ticker')),
    alias text not null,
    valid_from date not null,
    valid_to date,
    instrument_key text not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (scheme, alias, valid_from, observed_at, load_id)
);
comment on table raw.book_instrument_aliases is 'Name by which a source calls an instrument between two days (valid_to exclusive).';

create table raw.book_targets (
    portfolio_key text not null,
    instrument_key text not null,
    valid_from date not null,
    weight numeric(20, 12) not null check (weight >= 0 and weight <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (portfolio_key, instrument_key, valid_from, observed_at, load_id)
);
comment on table raw.book_targets is 'Weight wanted of an instrument in a portfolio from a day on, until a later row of the portfolio.';

create table raw.book_transactions (
    transaction_key text not null,
    transaction_id uuid not null,
    account_key text not null,
    external_id text,
    kind text not null,
    trade_date date not null,
    settlement_date date,
    occurred_at timestamptz,
    nav_date date,
    instrument_key text,
    units numeric(38, 18),
    price numeric(28, 10),
    amount numeric(28, 8),
    currency text not null,
    fee numeric(28, 8) not null,
    tax numeric(28, 8) not null,
    fx_rate numeric(28, 12),
    pair_key text,
    status text not null check (status in ('pending', 'settled', 'failed', 'reversed')),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (transaction_key, observed_at, load_id)
);
comment on table raw.book_transactions is 'Booked event of an account; units, price, amount, fee and tax are positive, the kind gives the direction.';
comment on column raw.book_transactions.transaction_key is 'account and external id, or account, content hash and occurrence number, so that true twins stay two.';
comment on column raw.book_transactions.transaction_id is 'uuid5 of transaction_key.';
comment on column raw.book_transactions.amount is 'Gross amount in `currency` before fee and tax.';
comment on column raw.book_transactions.fx_rate is 'Account currency per unit of `currency` where the book recorded one.';
comment on column raw.book_transactions.pair_key is 'Shared by the two legs of a transfer or switch.';

create table raw.identities (
    kind text not null,
    source_key text not null,
    id uuid not null,
    load_id uuid not null references raw.loads,
    primary key (kind, source_key)
);
create index identities_by_id on raw.identities (id);
comment on table raw.identities is 'Append-only map from the first source key seen to the surrogate id, uuid5 of kind and key; it never changes.';
