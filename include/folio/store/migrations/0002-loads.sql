-- One row per attempt to take in one slot of one dataset, and the lines that could not be read.
create table raw.loads (
    load_id uuid primary key,
    source text not null,
    dataset text not null,
    slot text not null,
    attempt integer not null check (attempt >= 1),
    night text,
    request text not null,
    status text not null check (status in ('running', 'loaded', 'held', 'failed')),
    payload_sha256 text,
    payload_bytes bigint,
    observed_at timestamptz,
    known_basis text not null default 'observed' check (known_basis in ('observed', 'assumed')),
    rows_seen bigint not null default 0,
    rows_new bigint not null default 0,
    rows_changed bigint not null default 0,
    rows_same bigint not null default 0,
    rows_rejected bigint not null default 0,
    reason text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    unique (source, dataset, slot, attempt),
    check (status <> 'loaded' or rows_seen = rows_new + rows_changed + rows_same + rows_rejected),
    check (status <> 'loaded' or (payload_sha256 is not null and observed_at is not null))
);
create unique index loads_one_loaded on raw.loads (source, dataset, slot) where status = 'loaded';
create index loads_by_night on raw.loads (night);
comment on table raw.loads is 'One attempt to take in one slot (an instant, a day, a month or a file) of one dataset of one source.';
comment on column raw.loads.load_id is 'uuid5 of source, dataset, slot and attempt.';
comment on column raw.loads.slot is 'What was asked for: an instant of a snapshot feed, a day or month of a dated endpoint, a file by name and hash.';
comment on column raw.loads.observed_at is 'When the payload was fetched, for a recorded payload its recorded time: the knowledge clock.';
comment on column raw.loads.known_basis is 'observed, or assumed where history has no record of when it was first seen.';

create table raw.rejected_rows (
    load_id uuid not null references raw.loads,
    line integer not null,
    reason text not null,
    content text not null,
    primary key (load_id, line, reason)
);
comment on table raw.rejected_rows is 'Lines of a payload that could not be taken in, with the reason.';
