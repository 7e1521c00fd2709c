-- How providers are asked: until when one is left in peace, who tries whether it is back, and whose turn it is.
alter table ops.breakers
add column open_until timestamptz,
add column probe_until timestamptz,
add column reason text;
update ops.breakers
set open_until = opened_at + interval '5 minutes', reason = format('the last %s questions had no answer', failures)
where opened_at is not null;
alter table ops.breakers
add constraint breakers_open_with_an_end check (
    (opened_at is null) = (open_until is null) and (opened_at is null) = (reason is null)
);
comment on table ops.breakers is
'Circuit breaker of a provider, shared by all processes: repeated failures, or the provider''s own wish, open it.';
comment on column ops.breakers.failures is 'Questions in a row that had no answer.';
comment on column ops.breakers.open_until is 'Nobody asks the provider before this instant.';
comment on column ops.breakers.probe_until is
'After open_until one process asks one question; until this instant the others wait for what comes of it.';
comment on column ops.breakers.reason is 'Why it is open, as the refused loads say it.';

create table ops.rate_limits (
    provider text primary key,
    next_turn_at timestamptz not null
);
comment on table ops.rate_limits is 'When a provider with a rate limit may be asked next, shared by all processes.';

alter table raw.loads drop constraint loads_status_check;
alter table raw.loads
add constraint loads_status_check check (status in ('running', 'loaded', 'held', 'failed', 'superseded'));
update raw.loads set status = 'superseded'
where status = 'failed' and reason like 'replaced by attempt %';
comment on column raw.loads.status is
'running, loaded, held by a check, failed, or superseded: loaded once, and replaced by a later attempt at its slot.';
