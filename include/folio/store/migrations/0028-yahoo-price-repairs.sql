-- What a chart's own series proves its prices have to be multiplied by; the bars stay as they were said.
create table raw.yahoo_price_repairs (
    session_date date not null,
    symbol text not null,
    price_factor numeric(28, 12) not null check (price_factor > 0),
    reason text check ((reason is null) = (price_factor = 1)),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (session_date, symbol, observed_at, load_id)
);
comment on table raw.yahoo_price_repairs is 'By what the prices of a bar of Yahoo have to be multiplied to stand on one basis with the chart they came in, 1 where nothing is proven; one row per version.';
