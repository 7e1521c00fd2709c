-- What the two clocks need: which table a load fed, NAVs that were published as none, and cheaper bulk loads.
alter table raw.loads add column raw_table text;
comment on column raw.loads.raw_table is 'Table of versions in raw that its rows went to, once it landed.';
update raw.loads
set raw_table = case source || '/' || dataset
    when 'amfi/navs' then 'amfi_navs'
    when 'amfi/history' then 'amfi_navs'
    when 'amfi/schemes' then 'amfi_schemes'
    when 'polygon/daily_bars' then 'polygon_daily_bars'
    when 'polygon/splits' then 'polygon_splits'
    when 'ecb/fx_rates' then 'ecb_fx_rates'
    when 'ecb/history' then 'ecb_fx_rates'
    else 'book_' || dataset
end
where rows_seen > 0;
create index loads_by_table on raw.loads (raw_table, observed_at) where rows_seen > 0;

alter table raw.amfi_navs alter column nav drop not null;
comment on column raw.amfi_navs.nav is 'Rupees a unit; null where a recorded observation is that none was published (0 or N.A.).';

-- A foreign key asks for the load of each row again: over half of the time of a bulk load. Landing writes a
-- version in the transaction that closes its load, and no load is ever deleted.
alter table raw.amfi_navs drop constraint amfi_navs_load_id_fkey;
alter table raw.polygon_daily_bars drop constraint polygon_daily_bars_load_id_fkey;
alter table raw.ecb_fx_rates drop constraint ecb_fx_rates_load_id_fkey;
