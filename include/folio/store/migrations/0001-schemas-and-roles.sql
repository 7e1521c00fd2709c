-- Schemas in the order of the data's way, and the roles that may read their end.
create schema raw;
comment on schema raw is 'What sources said, append-only, every version kept.';
create schema ops;
comment on schema ops is 'Nights, check results and other working records of the pipeline.';
create schema computed;
comment on schema computed is 'Figures made by jobs in Python, private, rebuilt from raw and build.';
create schema build;
comment on schema build is 'Figures made by dbt, private, rebuilt each night and read by gates and publish.';
create schema history;
comment on schema history is 'Every published version of every mart row, written by publish alone.';
create schema marts;
comment on schema marts is 'What readers see: views on the versions now known.';
create schema access;
comment on schema access is 'API keys and what each may see.';
create schema delivery;
comment on schema delivery is 'Outbox of mails and the record of what was sent.';

do $$
declare
    wanted text;
begin
    foreach wanted in array array['folio_reader', 'folio_api', 'folio_bi', 'folio_audit'] loop
        if not exists (select 1 from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null; -- roles belong to the whole server: another database's migration came first
            end;
        end if;
    end loop;
end $$;

grant folio_reader to folio_api, folio_bi;
grant usage on schema marts, history to folio_reader;
grant usage on schema access to folio_api, folio_audit;
