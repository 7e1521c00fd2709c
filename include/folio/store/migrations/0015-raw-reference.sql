-- Reference data that clients' books and fund houses give: dated, every version kept.
create table raw.book_fund_terms (
    instrument_key text not null,
    valid_from date not null,
    expense_ratio numeric(20, 12) check (expense_ratio >= 0 and expense_ratio <= 1),
    riskometer text,
    benchmark_key text,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, valid_from, observed_at, load_id)
);
comment on table raw.book_fund_terms is 'Terms of a fund from a day on, until its next row: yearly cost as a fraction, riskometer, benchmark.';

create table raw.book_exit_loads (
    instrument_key text not null,
    valid_from date not null,
    held_days_below integer not null,
    exit_load numeric(20, 12) not null check (exit_load >= 0 and exit_load <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, valid_from, held_days_below, observed_at, load_id)
);
comment on table raw.book_exit_loads is 'Fraction that a fund keeps of units held fewer than held_days_below days, for units bought from valid_from on.';

create table raw.book_fund_constituents (
    instrument_key text not null,
    valid_from date not null,
    constituent_code text not null,
    constituent_name text not null,
    sector text,
    weight numeric(20, 12) not null check (weight >= 0 and weight <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, valid_from, constituent_code, observed_at, load_id)
);
comment on table raw.book_fund_constituents is 'Share of one holding in a fund from a day on, until the next day with rows of the fund.';

create table raw.book_bond_terms (
    instrument_key text not null,
    coupon_rate numeric(20, 12) not null,
    coupons_per_year integer not null,
    day_count text not null,
    issued_on date not null,
    matures_on date not null,
    face_value numeric(28, 8) not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, observed_at, load_id)
);
comment on table raw.book_bond_terms is 'What a bond promises: coupon as a fraction of face value a year, day count, maturity.';

create table raw.book_benchmarks (
    portfolio_key text not null,
    benchmark_key text not null,
    valid_from date not null,
    benchmark_weight numeric(20, 12) not null check (benchmark_weight >= 0 and benchmark_weight <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (portfolio_key, benchmark_key, valid_from, observed_at, load_id)
);
comment on table raw.book_benchmarks is 'Weight of an instrument in what a portfolio is measured by, from a day on, until its next day with rows.';
