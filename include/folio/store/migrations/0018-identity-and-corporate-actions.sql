-- Names of more providers, what becomes of instruments, whose price counts, and lines that wait for a name.
alter table raw.book_instrument_aliases drop constraint if exists book_instrument_aliases_scheme_check;
alter table raw.book_instrument_aliases
add constraint book_instrument_aliases_scheme_check check (
    scheme in (
        'amfi', 'isin', 'ticker', 'yahoo', 'alphavantage', 'coingecko', 'kraken', 'coinbase', 'binance', 'contract'
    )
),
add column is_spam boolean not null default false,
alter column instrument_key drop not null,
add constraint book_instrument_aliases_names_or_spam check ((instrument_key is null) = is_spam);
comment on column raw.book_instrument_aliases.is_spam is
'The name is of a worthless token that was sent unasked: it means no instrument, and what names it is kept apart.';

create table raw.book_price_preferences (
    instrument_key text not null,
    valid_from date not null,
    price_sources text not null,
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, valid_from, observed_at, load_id)
);
comment on table raw.book_price_preferences is
'Sources whose prices an instrument takes from a day on, best first, separated by spaces; others are not used.';

create table raw.book_instrument_successors (
    instrument_key text not null,
    kind text not null check (kind in ('rename', 'merger', 'delisting', 'ticker_reuse', 'segregation')),
    effective_date date not null,
    successor_key text,
    ratio numeric(28, 12) check (ratio > 0),
    cash numeric(28, 10) check (cash >= 0),
    cost_share numeric(20, 12) check (cost_share >= 0 and cost_share <= 1),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, kind, effective_date, observed_at, load_id),
    check ((successor_key is null) = (kind = 'delisting'))
);
comment on table raw.book_instrument_successors is
'What became of an instrument on a day: the instrument that follows it, with units and cash for each unit; one row per version.';
comment on column raw.book_instrument_successors.effective_date is 'First day under the new state; the day before was the last of the old one.';
comment on column raw.book_instrument_successors.ratio is 'Units of the successor for one unit.';
comment on column raw.book_instrument_successors.cash is 'Cash for one unit, in the currency of the instrument.';
comment on column raw.book_instrument_successors.cost_share is 'Fraction of the cost that goes over to the successor of a segregation.';

create table raw.book_corporate_actions (
    instrument_key text not null,
    kind text not null check (kind in ('split', 'bonus', 'dividend')),
    ex_date date not null,
    ratio numeric(28, 12) check (ratio > 0),
    amount numeric(28, 10) check (amount > 0),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (instrument_key, kind, ex_date, observed_at, load_id),
    check ((ratio is null) = (kind = 'dividend') and (amount is null) = (kind <> 'dividend'))
);
comment on table raw.book_corporate_actions is
'Split, bonus or dividend that a book announces where no provider does; one row per version.';
comment on column raw.book_corporate_actions.ratio is 'Units after for one unit before: 2 for two for one and for a bonus of 1:1, 0.1 for a reverse split of 10.';
comment on column raw.book_corporate_actions.amount is 'Cash for one unit as it was on the day, in the currency of the instrument.';

alter table raw.rejected_rows
add column waits_for text,
add column landed_by uuid references raw.loads;
comment on column raw.rejected_rows.waits_for is
'What a line names that no file had introduced, as `kind name`; the line lands by itself once it is known.';
comment on column raw.rejected_rows.landed_by is 'Load with which a line that waited has landed.';
create index rejected_rows_waiting on raw.rejected_rows (waits_for)
where waits_for is not null and landed_by is null;
