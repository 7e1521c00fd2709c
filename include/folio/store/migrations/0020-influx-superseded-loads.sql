-- A load that was replaced by a later attempt at its slot left versions too, which InfluxDB has to be given.
create or replace function history.influx_lacks(asked text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (
        select 1 from raw.loads
        where
            loads.status in ('loaded', 'superseded') and loads.source <> 'books'
            and loads.rows_new + loads.rows_changed > 0
            and not exists (
                select 1 from ops.influx_loads as written
                where written.target = asked and written.load_id = loads.load_id
            )
    );
end;
