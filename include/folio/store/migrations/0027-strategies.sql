-- Model portfolios that accounts may follow.
create table raw.book_strategies (
    strategy_key text not null,
    name text not null,
    portfolio_key text not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (strategy_key, observed_at, load_id)
);
comment on table raw.book_strategies is 'A model portfolio under the name by which it can be followed; every version kept.';
create index book_strategies_by_load on raw.book_strategies (load_id);
