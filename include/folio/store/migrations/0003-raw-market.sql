-- Versions of prices, rates and splits, as each source says them.
create table raw.amfi_navs (
    nav_date date not null,
    scheme_code integer not null,
    nav numeric(28, 10) not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (nav_date, scheme_code, observed_at, load_id)
);
comment on table raw.amfi_navs is 'Net asset value of an Indian fund scheme on a day, in rupees; one row per published version.';
create index amfi_navs_by_scheme on raw.amfi_navs (scheme_code, nav_date);

create table raw.amfi_schemes (
    scheme_code integer not null,
    isin_payout_or_growth text,
    isin_reinvestment text,
    scheme_name text not null,
    plan text,
    option text,
    category text,
    fund_house text,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (scheme_code, observed_at, load_id)
);
comment on table raw.amfi_schemes is 'What the NAV file says of a scheme besides its value; one row per version.';

create table raw.polygon_daily_bars (
    session_date date not null,
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
    primary key (session_date, ticker, observed_at, load_id)
);
comment on table raw.polygon_daily_bars is 'Unadjusted daily bar of a US ticker, in dollars; one row per version.';
create index polygon_daily_bars_by_ticker on raw.polygon_daily_bars (ticker, session_date);

create table raw.polygon_splits (
    ticker text not null,
    execution_date date not null,
    split_from numeric(28, 12) not null check (split_from > 0),
    split_to numeric(28, 12) not null check (split_to > 0),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (ticker, execution_date, observed_at, load_id)
);
comment on table raw.polygon_splits is 'Share split: split_from old shares become split_to new ones before the session; one row per version.';

create table raw.ecb_fx_rates (
    rate_date date not null,
    currency_code text not null,
    units_per_eur numeric(28, 12) not null check (units_per_eur > 0),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (rate_date, currency_code, observed_at, load_id)
);
comment on table raw.ecb_fx_rates is 'Units of a currency per euro at the ECB fixing of a day; one row per version.';
