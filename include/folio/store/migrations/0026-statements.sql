-- What statements say an account held, beside the transactions that they list.
create table raw.book_statements (
    account_key text not null,
    instrument_key text not null,
    statement_date date not null,
    units numeric(38, 18) not null,
    opening_units numeric(38, 18),
    own_units numeric(38, 18),
    gap_date date,
    first_line integer check (first_line >= 1),
    last_line integer,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (account_key, instrument_key, statement_date, observed_at, load_id),
    check (last_line >= first_line and (first_line is null) = (last_line is null))
);
comment on table raw.book_statements is 'Units of an instrument that a statement says an account held at the end of a day.';
comment on column raw.book_statements.opening_units is 'Units with which the statement begins; null where it does not say.';
comment on column raw.book_statements.own_units is 'Units that the opening and all transactions of the statement make, also those that were rejected.';
comment on column raw.book_statements.gap_date is
'First day by which the statement''s own balances show units that none of its transactions moved.';
comment on column raw.book_statements.first_line is 'First line of its transactions in the file; null where they stand among others.';
create index book_statements_by_load on raw.book_statements (load_id);
