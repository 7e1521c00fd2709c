-- From which day on each stage of a night makes its daily tables anew.
create table ops.stage_builds (
    stage text primary key,
    first_day date,
    code_sha256 text not null,
    valuation_date date not null,
    known_at timestamptz not null,
    landed_by timestamptz not null,
    counted_valuation_date date,
    counted_known_at timestamptz,
    counted_landed_by timestamptz,
    check (num_nulls(counted_valuation_date, counted_known_at, counted_landed_by) in (0, 3))
);
comment on table ops.stage_builds is 'What the last build of each dbt stage made anew and counted; no row, or nothing counted: the next one makes every day.';
comment on column ops.stage_builds.first_day is 'First day that daily tables make anew; null: every day.';
comment on column ops.stage_builds.known_at is 'Up to when facts were observed that the build begun last reads; it may not have ended well.';
comment on column ops.stage_builds.landed_by is 'Every load that ended before this was there for the build begun last.';
comment on column ops.stage_builds.counted_known_at is 'The same of the last build that was completed; all three are null after one of every day that was not.';
