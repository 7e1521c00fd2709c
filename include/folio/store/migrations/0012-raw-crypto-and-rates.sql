-- Versions of crypto prices, of what exchanges and chains say is held, of factors and risk-free rates, and
-- the addresses of wallets as the books name them. Prices and balances keep every digit: their columns have
-- no scale.
create table raw.coingecko_daily_prices (
    price_date date not null,
    coin_id text not null,
    quote_currency text not null,
    price numeric not null check (price > 0),
    market_cap numeric,
    volume numeric,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (price_date, coin_id, quote_currency, observed_at, load_id)
);
comment on table raw.coingecko_daily_prices is 'Price of a coin at the end (24:00 UTC) of a day, across exchanges; one row per version.';
create index coingecko_daily_prices_by_coin on raw.coingecko_daily_prices (coin_id, quote_currency, price_date);

create table raw.coingecko_current_prices (
    coin_id text not null,
    quote_currency text not null,
    price numeric not null check (price > 0),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (coin_id, quote_currency, observed_at, load_id)
);
comment on table raw.coingecko_current_prices is 'Price of a coin when it was asked for, which is observed_at; one row per version.';

create table raw.coingecko_coins (
    coin_id text not null,
    chain text not null,
    symbol text not null,
    name text not null,
    contract_address text,
    decimals integer,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (coin_id, chain, observed_at, load_id)
);
comment on table raw.coingecko_coins is 'Symbol, name and contract of a coin on a chain (native: a chain of its own); one row per version.';

create table raw.exchange_candles (
    opened_at timestamptz not null,
    exchange text not null,
    pair text not null,
    timeframe text not null check (timeframe in ('1d', '1h', '1m')),
    open numeric not null,
    high numeric not null,
    low numeric not null,
    close numeric not null,
    volume numeric not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (opened_at, exchange, pair, timeframe, observed_at, load_id)
);
comment on table raw.exchange_candles is 'Candle of a pair at an exchange from opened_at on, prices in the quote currency, volume in the base; one row per version.';
create index exchange_candles_by_pair on raw.exchange_candles (exchange, pair, timeframe, opened_at);

create table raw.exchange_balances (
    balance_date date not null,
    exchange text not null,
    currency text not null,
    free numeric not null,
    used numeric not null,
    total numeric not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (balance_date, exchange, currency, observed_at, load_id)
);
comment on table raw.exchange_balances is 'Units of a currency held at an exchange, as asked in the night after balance_date; one row per version.';

create table raw.exchange_trades (
    exchange text not null,
    pair text not null,
    trade_key text not null,
    side text not null check (side in ('buy', 'sell')),
    traded_at timestamptz not null,
    units numeric not null check (units > 0),
    price numeric not null check (price > 0),
    amount numeric not null,
    fee numeric,
    fee_currency text,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (exchange, pair, trade_key, observed_at, load_id)
);
comment on table raw.exchange_trades is 'Own trade at an exchange: units of the base, price and amount in the quote currency; one row per version.';

create table raw.wallet_balances (
    balance_date date not null,
    chain text not null,
    address text not null,
    asset text not null,
    balance numeric not null check (balance >= 0),
    block_number bigint,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (balance_date, chain, address, asset, observed_at, load_id)
);
comment on table raw.wallet_balances is 'Whole units of an asset (native, or a token by its contract) at an address, as asked in the night after balance_date; one row per version.';
comment on column raw.wallet_balances.block_number is 'Block at which the balance holds; null where the source says none.';

create table raw.book_wallet_addresses (
    chain text not null check (chain in ('bitcoin', 'ethereum')),
    address text not null,
    account_key text not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (chain, address, observed_at, load_id)
);
comment on table raw.book_wallet_addresses is 'Address on a chain whose balances belong to an account; one row per version.';

create table raw.factor_returns (
    period_end date not null,
    factor_set text not null,
    frequency text not null check (frequency in ('day', 'month')),
    factor text not null,
    factor_return numeric not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (period_end, factor_set, frequency, factor, observed_at, load_id)
);
comment on table raw.factor_returns is 'Return of a factor over the day or month that ends on period_end, as a fraction; one row per version.';

create table raw.risk_free_rates (
    rate_date date not null,
    currency text not null,
    series text not null,
    tenor_months integer not null,
    annual_rate numeric not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (rate_date, currency, series, tenor_months, observed_at, load_id)
);
comment on table raw.risk_free_rates is 'Yield or policy rate of a currency from a day on, as a fraction a year; tenor 0 is overnight; one row per version.';
