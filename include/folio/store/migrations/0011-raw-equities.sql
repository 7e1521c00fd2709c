-- Versions of what further providers say of shares and funds: bars, dividends, splits and listings.
create table raw.polygon_dividends (
    ticker text not null,
    ex_dividend_date date not null,
    dividend_type text not null,
    cash_amount numeric(28, 12) not null check (cash_amount > 0),
    currency text,
    declaration_date date,
    record_date date,
    pay_date date,
    frequency integer,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (ticker, ex_dividend_date, dividend_type, observed_at, load_id)
);
comment on table raw.polygon_dividends is 'Cash dividend of a US ticker per share as it then was, by ex-date; one row per version.';

create table raw.polygon_tickers (
    ticker text not null,
    composite_figi text not null,
    name text not null,
    market text,
    locale text,
    primary_exchange text,
    type text,
    active boolean not null,
    currency_name text,
    cik text,
    share_class_figi text,
    delisted_on date,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (ticker, composite_figi, observed_at, load_id)
);
comment on table raw.polygon_tickers is 'A listing, past or present: one ticker may name several companies one after the other, told apart by composite_figi (empty where Polygon knows none); one row per version.';

create table raw.polygon_ticker_details (
    ticker text not null,
    name text not null,
    market text,
    locale text,
    primary_exchange text,
    type text,
    active boolean not null,
    currency_name text,
    cik text,
    composite_figi text,
    share_class_figi text,
    sic_code text,
    sic_description text,
    list_date date,
    delisted_on date,
    weighted_shares_outstanding numeric(38, 10),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (ticker, observed_at, load_id)
);
comment on table raw.polygon_ticker_details is 'What Polygon says of the company behind a ticker; one row per version.';

create table raw.yahoo_daily_bars (
    session_date date not null,
    symbol text not null,
    open numeric(28, 10),
    high numeric(28, 10),
    low numeric(28, 10),
    close numeric(28, 10) not null,
    adjusted_close numeric(28, 10),
    volume numeric(38, 10),
    currency text,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (session_date, symbol, observed_at, load_id)
);
comment on table raw.yahoo_daily_bars is 'Daily bar of a Yahoo symbol, restated by Yahoo for all splits up to observed_at; currency as Yahoo writes it (GBp is pence); one row per version.';
create index yahoo_daily_bars_by_symbol on raw.yahoo_daily_bars (symbol, session_date);

create table raw.yahoo_dividends (
    symbol text not null,
    ex_date date not null,
    amount numeric(28, 12) not null check (amount > 0),
    currency text,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (symbol, ex_date, observed_at, load_id)
);
comment on table raw.yahoo_dividends is 'Dividend per share of a Yahoo symbol, restated by Yahoo for all splits up to observed_at; one row per version.';

create table raw.yahoo_splits (
    symbol text not null,
    split_date date not null,
    numerator numeric(28, 12) not null check (numerator > 0),
    denominator numeric(28, 12) not null check (denominator > 0),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (symbol, split_date, observed_at, load_id)
);
comment on table raw.yahoo_splits is 'Share split of a Yahoo symbol: denominator old shares become numerator new ones before the session; one row per version.';

create table raw.alphavantage_daily_bars (
    session_date date not null,
    symbol text not null,
    open numeric(28, 10),
    high numeric(28, 10),
    low numeric(28, 10),
    close numeric(28, 10) not null,
    volume numeric(38, 10),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (session_date, symbol, observed_at, load_id)
);
comment on table raw.alphavantage_daily_bars is 'Daily bar of an Alpha Vantage symbol as traded, not restated for splits; one row per version.';
create index alphavantage_daily_bars_by_symbol on raw.alphavantage_daily_bars (symbol, session_date);

create table raw.file_daily_bars (
    session_date date not null,
    collection text not null,
    ticker text not null,
    open numeric(28, 10),
    high numeric(28, 10),
    low numeric(28, 10),
    close numeric(28, 10) not null,
    volume numeric(38, 10),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (session_date, collection, ticker, observed_at, load_id)
);
comment on table raw.file_daily_bars is 'Unadjusted daily bar out of a price history file; collection names where the file came from; one row per version.';
