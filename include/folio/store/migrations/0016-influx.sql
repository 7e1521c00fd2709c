-- What InfluxDB holds of the price history, minute bars, and what the API reads of candles where there is none.
create table ops.influx_loads (
    target text not null,
    load_id uuid not null references raw.loads,
    written_at timestamptz not null default clock_timestamp(),
    primary key (target, load_id)
);
comment on table ops.influx_loads is 'Loads whose prices are in an InfluxDB bucket (host, port and bucket); one row once all their points are written.';

create table raw.polygon_minute_bars (
    ticker text not null,
    opened_at timestamptz not null,
    open numeric(28, 10),
    high numeric(28, 10),
    low numeric(28, 10),
    close numeric(28, 10) not null,
    volume numeric(38, 10),
    observed_at timestamptz not null,
    known_basis text not null,
    load_id uuid not null references raw.loads,
    line integer not null,
    primary key (opened_at, ticker, observed_at, load_id)
);
comment on table raw.polygon_minute_bars is 'Unadjusted bar of one minute of a US ticker, in dollars; one row per version.';
create index polygon_minute_bars_by_ticker on raw.polygon_minute_bars (ticker, opened_at);

-- Rows of few loads are found without an index entry a row: a block range holds rows of few loads.
create index amfi_navs_by_load on raw.amfi_navs
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index polygon_daily_bars_by_load on raw.polygon_daily_bars
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index polygon_minute_bars_by_load on raw.polygon_minute_bars
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index yahoo_daily_bars_by_load on raw.yahoo_daily_bars
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index alphavantage_daily_bars_by_load on raw.alphavantage_daily_bars
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index coingecko_daily_prices_by_load on raw.coingecko_daily_prices
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);
create index exchange_candles_by_load on raw.exchange_candles
using brin (load_id uuid_bloom_ops (n_distinct_per_range = 64)) with (autosummarize = on);

create function history.influx_lacks(asked text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (
        select 1 from raw.loads
        where
            loads.status = 'loaded' and loads.source <> 'books' and loads.rows_new + loads.rows_changed > 0
            and not exists (
                select 1 from ops.influx_loads as written
                where written.target = asked and written.load_id = loads.load_id
            )
    );
end;
comment on function history.influx_lacks is 'Whether prices have landed that are not yet in an InfluxDB bucket: then history is read from Postgres.';
revoke execute on function history.influx_lacks from public;
grant execute on function history.influx_lacks to folio_api;

create view history.instrument_codes as
select
    identities.id as instrument_id,
    aliases.scheme,
    aliases.alias as code,
    aliases.valid_from,
    aliases.valid_to
from (
    select distinct on (scheme, alias, valid_from) *
    from raw.book_instrument_aliases
    order by scheme, alias, valid_from, observed_at desc, load_id desc
) as aliases
inner join raw.identities on identities.kind = 'instrument' and identities.source_key = aliases.instrument_key;
comment on view history.instrument_codes is 'Name by which a source calls an instrument between two days (valid_to exclusive), as now known.';
grant select on history.instrument_codes to folio_api;

-- Prices are no client's: the API may read what sources said, to serve candles.
grant usage on schema raw to folio_api;
grant select on
    raw.amfi_navs,
    raw.polygon_daily_bars,
    raw.polygon_minute_bars,
    raw.yahoo_daily_bars,
    raw.alphavantage_daily_bars,
    raw.coingecko_daily_prices,
    raw.exchange_candles
to folio_api;
