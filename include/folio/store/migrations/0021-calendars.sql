-- On which days each market, source of rates or source of NAVs is expected to say something.
create table ops.calendar_days (
    calendar text,
    day date,
    is_session boolean not null,
    session_number integer not null,
    is_learned boolean not null default false,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (calendar, day)
);
comment on table ops.calendar_days is 'Days of each calendar, without a gap from 1999 to some weeks after the night; one row per calendar and day.';
comment on column ops.calendar_days.calendar is 'ISO 10383 code of an exchange, TARGET (euro rates), AMFI (NAVs of Indian funds) or 24/7.';
comment on column ops.calendar_days.session_number is 'Sessions since 1999 up to and including the day: the difference of two days is the sessions between them.';
comment on column ops.calendar_days.is_learned is 'Whether the day is a holiday because its source, asked again, gave next to nothing for it.';
comment on column ops.calendar_days.changed_at is 'When the row last changed: figures are made anew from the first changed day on.';
