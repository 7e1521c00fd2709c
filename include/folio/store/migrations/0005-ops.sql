-- The nights, the one now being built, and what checks and stages said.
create table ops.nights (
    night text primary key check (night ~ '^\d{4}-\d{2}-\d{2}T\d{4}Z$'),
    instant timestamptz not null unique,
    valuation_date date not null,
    known_at timestamptz not null
);
comment on table ops.nights is 'Nights that were opened: instant, valuation date and the instant up to which facts count.';

create table ops.night (
    only_row boolean primary key default true check (only_row),
    night text not null references ops.nights,
    valuation_date date not null,
    known_at timestamptz not null
);
comment on table ops.night is 'The night now being built: one row that every model reads.';

create table ops.check_results (
    night text not null,
    suite text not null,
    check_name text not null,
    subject text not null,
    severity text not null check (severity in ('warn', 'fail')),
    status text not null check (status in ('passed', 'warned', 'failed')),
    observed text,
    expected text,
    note text,
    primary key (night, suite, check_name, subject)
);
comment on table ops.check_results is 'Result of one check on one subject (a load or a relation) in one night.';

create table ops.stage_results (
    night text not null,
    stage text not null,
    node text not null,
    status text not null,
    seconds numeric(12, 3) not null,
    message text,
    primary key (night, stage, node)
);
comment on table ops.stage_results is 'What dbt said of each model and test in each stage of a night.';

create table ops.breakers (
    provider text primary key,
    failures integer not null default 0,
    opened_at timestamptz
);
comment on table ops.breakers is 'Circuit breaker of a provider, shared by all processes: repeated failures open it.';
