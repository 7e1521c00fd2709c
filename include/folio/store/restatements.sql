-- Published figures changed by later facts: a version closed and one opened at the same instant, seen as one row.
create view marts.fct_restatements with (security_invoker = true) as
select
    'fct_holdings' as relation,
    old.account_id,
    old.portfolio_id,
    old.instrument_id,
    old.valuation_date,
    figures.figure,
    figures.old_value,
    figures.new_value,
    old.publication_id as old_publication_id,
    new.publication_id as new_publication_id,
    new.known_from as restated_at,
    coalesce(
        nullif(
            concat_ws(
                '; ',
                case
                    when old.price_date = new.price_date and old.price_local is distinct from new.price_local
                        then
                            format(
                                'price of %s restated by load %s',
                                to_char(new.price_date, 'YYYY-MM-DD'),
                                concat_ws(' ', loads.source, loads.dataset, loads.slot)
                            )
                    when old.price_date is distinct from new.price_date and new.price_load_id is not null
                        then
                            format(
                                'price of %s arrived by load %s',
                                to_char(new.price_date, 'YYYY-MM-DD'),
                                concat_ws(' ', loads.source, loads.dataset, loads.slot)
                            )
                end,
                case when old.units is distinct from new.units then 'units restated by the books' end,
                case when old.fx_to_portfolio is distinct from new.fx_to_portfolio then 'exchange rate restated' end
            ), ''
        ), 'computed anew'
    ) as cause,
    old.price_load_id as old_price_load_id,
    new.price_load_id as new_price_load_id,
    new.price_line as new_price_line,
    loads.source as new_source
from history.fct_holdings as old
inner join history.fct_holdings as new
    on
        old.account_id = new.account_id
        and old.instrument_id = new.instrument_id
        and old.valuation_date = new.valuation_date
        and old.known_to = new.known_from
left join history.market_loads as loads on new.price_load_id = loads.load_id
cross join lateral (
    values
    (
        'price_local',
        old.price_local,
        new.price_local,
        old.price_date = new.price_date and old.price_local is distinct from new.price_local
    ),
    (
        'value_portfolio',
        old.value_portfolio,
        new.value_portfolio,
        old.value_portfolio is distinct from new.value_portfolio
    )
) as figures (figure, old_value, new_value, is_restated)
where old.known_to is not null and figures.is_restated
union all
select
    'fct_portfolio_values_daily' as relation,
    null::uuid as account_id,
    old.portfolio_id,
    null::uuid as instrument_id,
    old.valuation_date,
    'value_portfolio' as figure,
    old.value_portfolio as old_value,
    new.value_portfolio as new_value,
    old.publication_id as old_publication_id,
    new.publication_id as new_publication_id,
    new.known_from as restated_at,
    coalesce(
        case
            when largest.holdings = 1 then largest.cause
            when largest.holdings > 1 then format('%s holdings, the largest: %s', largest.holdings, largest.cause)
        end, 'computed anew'
    ) as cause,
    largest.old_price_load_id,
    largest.new_price_load_id,
    largest.new_price_line,
    largest.new_source
from history.fct_portfolio_values_daily as old
inner join history.fct_portfolio_values_daily as new
    on
        old.portfolio_id = new.portfolio_id
        and old.valuation_date = new.valuation_date
        and old.known_to = new.known_from
left join lateral (
    select
        count(*) over () as holdings,
        coalesce(
            case
                when before.price_date = after.price_date and before.price_local is distinct from after.price_local
                    then
                        format(
                            'price of %s restated by load %s',
                            to_char(after.price_date, 'YYYY-MM-DD'),
                            concat_ws(' ', loads.source, loads.dataset, loads.slot)
                        )
                when before.price_date is distinct from after.price_date and after.price_load_id is not null
                    then
                        format(
                            'price of %s arrived by load %s',
                            to_char(after.price_date, 'YYYY-MM-DD'),
                            concat_ws(' ', loads.source, loads.dataset, loads.slot)
                        )
                when before.units is distinct from after.units then 'units restated by the books'
                when before.fx_to_portfolio is distinct from after.fx_to_portfolio then 'exchange rate restated'
            end, 'computed anew'
        ) as cause,
        before.price_load_id as old_price_load_id,
        after.price_load_id as new_price_load_id,
        after.price_line as new_price_line,
        loads.source as new_source
    from history.fct_holdings as before
    inner join history.fct_holdings as after
        on
            before.account_id = after.account_id
            and before.instrument_id = after.instrument_id
            and before.valuation_date = after.valuation_date
            and before.known_to = after.known_from
    left join history.market_loads as loads on after.price_load_id = loads.load_id
    where
        before.known_to = old.known_to
        and before.portfolio_id = old.portfolio_id
        and before.valuation_date = old.valuation_date
        and before.value_portfolio is distinct from after.value_portfolio
    order by abs(after.value_portfolio - before.value_portfolio) desc nulls last, after.account_id, after.instrument_id
    limit 1
) as largest on true
where old.known_to is not null and old.value_portfolio is distinct from new.value_portfolio;

comment on view marts.fct_restatements is
'Published figure changed by a later fact; one row per row of a mart, figure and publication that changed it.';
comment on column marts.fct_restatements.relation is 'Mart whose figure changed.';
comment on column marts.fct_restatements.account_id is 'Account of a holding; null for figures of a whole portfolio.';
comment on column marts.fct_restatements.portfolio_id is 'Portfolio of the figure.';
comment on column marts.fct_restatements.instrument_id is 'Instrument of a holding; null for figures of a whole portfolio.';
comment on column marts.fct_restatements.valuation_date is 'Day that the figure is about.';
comment on column marts.fct_restatements.figure is 'Column that changed.';
comment on column marts.fct_restatements.old_value is 'What was served until restated_at.';
comment on column marts.fct_restatements.new_value is 'What was served from restated_at on.';
comment on column marts.fct_restatements.old_publication_id is 'Publication that opened the old version.';
comment on column marts.fct_restatements.new_publication_id is 'Publication that opened the new version.';
comment on column marts.fct_restatements.restated_at is 'Instant of the publication that changed the figure.';
comment on column marts.fct_restatements.cause is 'Which fact changed it, in words.';
comment on column marts.fct_restatements.old_price_load_id is 'Load that brought the old price.';
comment on column marts.fct_restatements.new_price_load_id is 'Load that brought the new price.';
comment on column marts.fct_restatements.new_price_line is 'Line of that load which holds the new price.';
comment on column marts.fct_restatements.new_source is 'Source of the new price.';
grant select on marts.fct_restatements to folio_reader;
