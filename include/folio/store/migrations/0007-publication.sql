-- Publications, the keys a night touched, and what each API key may see.
create table history.publications (
    publication_id uuid primary key,
    ordinal integer not null unique,
    night text not null,
    instant timestamptz not null,
    valuation_date date not null,
    known_at timestamptz not null,
    rows_opened bigint not null,
    rows_closed bigint not null,
    changes jsonb not null,
    published_at timestamptz not null default clock_timestamp()
);
comment on table history.publications is 'One complete night that readers see; instant is the known_from of the versions it opened.';
comment on column history.publications.changes is 'Versions opened and closed, by relation.';
create view marts.publications with (security_invoker = true) as select * from history.publications;
grant select on history.publications, marts.publications to folio_reader;

create table build.touched (
    relation text not null,
    key text,
    first_day date
);
comment on table build.touched is 'What a night may have changed: key null means every key, first_day null means every day.';

create table access.api_keys (
    key_id uuid primary key,
    key_hash text not null unique,
    label text not null,
    scope text not null check (scope in ('client', 'adviser', 'analyst')),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);
comment on table access.api_keys is 'API keys, stored as SHA-256 of a random secret; an analyst key sees every portfolio.';

create table access.grants (
    key_id uuid not null references access.api_keys,
    investor_id uuid not null,
    primary key (key_id, investor_id)
);
comment on table access.grants is 'Investors whose records a client or adviser key may see.';

create table access.requests (
    request_id uuid primary key,
    key_id uuid,
    at timestamptz not null default clock_timestamp(),
    method text not null,
    path text not null,
    status integer not null
);
comment on table access.requests is 'Audit of API requests; written by a role of its own.';
grant insert on access.requests to folio_audit;

create table delivery.outbox (
    mail_id uuid primary key,
    kind text not null check (kind in ('alert', 'report')),
    subject_id uuid not null,
    investor_id uuid not null,
    recipient text not null,
    subject text not null,
    html text not null,
    plain text not null,
    created_night text not null,
    status text not null check (status in ('waiting', 'sent', 'failed')),
    attempts integer not null default 0,
    sent_at timestamptz,
    error text
);
comment on table delivery.outbox is 'Mails to send, one row each; mail_id is uuid5 of what the mail is about, so that each goes out once.';
