-- Who may see which rows: functions that row-level security asks, from the key of the current transaction.
-- The API sets `folio.key_hash` by SET LOCAL; a transaction without a valid key sees nothing.
alter table history.publications add column code_sha256 text;
comment on column history.publications.code_sha256 is 'Of the models and code that made the figures: where it differs, the next night compares everything.';

create index requests_by_key on access.requests (key_id, at);

create function access.current_key()
returns table (key_id uuid, scope text, label text, visible_sha256 text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        api_keys.key_id,
        api_keys.scope,
        api_keys.label,
        encode(sha256(convert_to(coalesce(
            (
                select string_agg(grants.investor_id::text, ',' order by grants.investor_id)
                from access.grants
                where grants.key_id = api_keys.key_id
            ), ''
        ), 'UTF8')), 'hex')
    from access.api_keys
    where
        api_keys.key_hash = current_setting('folio.key_hash', true)
        and api_keys.revoked_at is null
        and (api_keys.expires_at is null or api_keys.expires_at > now());
end
$$;
comment on function access.current_key is 'The valid key of this transaction, if any, and a digest of the investors it was granted.';

create function access.holds_key() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select 1 from access.current_key());
end
$$;
comment on function access.holds_key is 'Whether this transaction holds a valid key: what public rows ask for.';

create function access.sees_all() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select 1 from access.current_key() as held where held.scope = 'analyst');
end
$$;
comment on function access.sees_all is 'Whether this transaction holds a key that sees every row.';

create function access.visible_investors() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select grants.investor_id
    from access.grants
    inner join access.current_key() as held on grants.key_id = held.key_id;
end
$$;
comment on function access.visible_investors is 'Investors granted to the key of this transaction.';

create function access.visible_portfolios() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('history.dim_portfolios') is null then
        return;
    end if;
    return query
    select portfolios.portfolio_id
    from history.dim_portfolios as portfolios
    where portfolios.known_to is null and portfolios.investor_id in (select access.visible_investors());
end
$$;
comment on function access.visible_portfolios is 'Portfolios that now belong to a visible investor.';

create function access.visible_households() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('history.dim_investors') is null then
        return;
    end if;
    return query
    select distinct investors.household_id
    from history.dim_investors as investors
    where investors.known_to is null and investors.investor_id in (select access.visible_investors());
end
$$;
comment on function access.visible_households is 'Households of which a member is visible.';

create function access.visible_tax_units() returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('history.dim_investors') is null then
        return;
    end if;
    return query
    select distinct investors.tax_unit_id
    from history.dim_investors as investors
    where investors.known_to is null and investors.investor_id in (select access.visible_investors());
end
$$;
comment on function access.visible_tax_units is 'Tax units of which a member is visible.';

revoke execute on all functions in schema access from public;
grant execute on all functions in schema access to folio_reader;

-- What a reader may know of the load that brought a price or rate: not the files of clients.
create view history.market_loads as
select load_id, source, dataset, slot
from raw.loads
where source <> 'books';
comment on view history.market_loads is 'Which source, dataset and slot a load of market data was.';
grant select on history.market_loads to folio_reader;
