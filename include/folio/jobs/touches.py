"""What a night may have changed, so that building and publishing redo that and no more; in doubt, all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from folio.errors import TransformationError
from folio.jobs.nights import Night
from folio.store import publish as store
from folio.store import warehouse

Connection = psycopg.Connection[tuple[Any, ...]]

DATED_FACTS: Mapping[str, LiteralString] = {
    "amfi_navs": "nav_date",
    "polygon_daily_bars": "session_date",
    "yahoo_daily_bars": "session_date",
    "yahoo_price_repairs": "session_date",
    "alphavantage_daily_bars": "session_date",
    "file_daily_bars": "session_date",
    "coingecko_daily_prices": "price_date",
    "exchange_candles": "opened_at::date",
    "ecb_fx_rates": "rate_date",
    "risk_free_rates": "rate_date",
}
"""Raw tables whose rows change figures from their own day on: table, and its day in SQL."""

UNDATED_FACTS = (
    "polygon_splits", "yahoo_splits", "book_investors", "book_portfolios", "book_accounts",
    "book_account_owners", "book_instruments", "book_instrument_aliases", "book_instrument_successors",
    "book_corporate_actions", "book_price_preferences", "book_targets", "book_strategies",
)  # fmt: skip
"""Raw tables of which any new row may change figures of any day."""

BOOKINGS = "book_transactions"
"""Raw table whose rows change figures from the first of their days on, and of those they are paired with."""

CREDIT_DAYS = 60
"""How long before its own day the units of a booking may count, since the price fell then: the macro
`bonus_allotment_days` says the same."""

PRICE_FELL: Mapping[str, LiteralString] = {
    "raw.book_instrument_successors": """
        select credited.trade_date, successors.effective_date as day
        from credited join raw.book_instrument_successors as successors
            on successors.successor_key = credited.instrument_key and successors.kind = credited.kind
    """,
    "build.int_splits_resolved": """
        select credited.trade_date, splits.execution_date as day
        from credited
        join raw.identities
            on identities.kind = 'instrument' and identities.source_key = credited.instrument_key
        join build.int_splits_resolved as splits on splits.instrument_id = identities.id
        where credited.kind = 'bonus'
    """,
}
"""Days on which the price fell for units that new bookings credit, by the table that knows them."""

WITHOUT_DAILY_FIGURES = (
    "amfi_schemes", "polygon_dividends", "polygon_ticker_details", "yahoo_dividends", "book_fund_terms",
    "book_exit_loads", "book_fund_constituents", "book_bond_terms", "book_benchmarks", "book_statements",
    "rejected_rows",
)  # fmt: skip
"""Raw tables that models read, but none with a row a day."""

NEXT_DAY = timedelta(days=1)

LATER_PURCHASES = timedelta(days=30)
"""How long after a sale a purchase may change what it cost, under the methods that look ahead."""

LOOKS_AHEAD = "select from raw.book_accounts where lot_method in ('section_104', 'acb') limit 1"


@dataclass(frozen=True)
class _Counted:
    """The facts that something was made of: up to which day, observed up to when, of loads ended before."""

    valuation_date: date
    known_at: datetime
    landed_by: datetime


STAGES = ("ledger", "values", "measures", "decisions")
"""The stages of a night in their order; each is a dbt tag."""

# building


def is_built(stage: str, code_sha256: str) -> bool:
    """Whether a stage, and all that it reads, stands as a build of tonight's facts would make it again.

    That is so where its last build was completed in the night now open, no stage before it has been begun
    since, and neither code, loads nor calendars have changed.
    """
    with warehouse.connect() as connection:
        standing = connection.execute(
            """
            select 1 from ops.stage_builds as builds
            where stage = %s and is_current and code_sha256 = %s
              and not exists (
                  select from raw.loads where finished_at is null or finished_at > builds.counted_landed_by
              )
              and not exists (select from ops.calendar_days where changed_at > builds.counted_landed_by)
            """,
            [stage, code_sha256],
        ).fetchone()
    return standing is not None


def begin_stage(stage: str, before: str | None, code_sha256: str) -> date | None:
    """Find from which day on a stage makes its daily tables anew, and leave it in `ops.stage_builds`.

    That is the earliest day of a price, rate or booking which its last complete build had not counted, at
    the latest the day after that build's valuation date. It is every day where that build is not known or
    was of a later night, where models, code or reference data have changed since, and until a build of
    every day has once been completed.

    Parameters
    ----------
    before : the stage whose tables this one reads, so that only facts which that one counted are; None
        for the first, which reads raw tables.
    code_sha256 : of everything that makes figures.

    Returns
    -------
    date or None
        None where every day is made anew.
    """
    with warehouse.connect() as connection:
        connection.execute(
            "update ops.stage_builds set is_current = false where stage = any (%s)",
            [list(STAGES[STAGES.index(stage) :])],
        )
        tonight = _tonight(connection, before)
        if tonight is None:
            connection.execute("delete from ops.stage_builds where stage = %s", [stage])
            return None
        last = connection.execute(
            # A build that broke off may have left rows newer than what the last complete one counted.
            """
            select counted_valuation_date, counted_known_at, counted_landed_by from ops.stage_builds
            where stage = %s and code_sha256 = %s and counted_known_at is not null
              and valuation_date <= %s and known_at <= %s
            """,
            [stage, code_sha256, tonight.valuation_date, tonight.known_at],
        ).fetchone()
        first_day = _first_changed_day(connection, _Counted(*last)) if last else None
        connection.execute(
            """
            insert into ops.stage_builds as builds
                (stage, first_day, code_sha256, valuation_date, known_at, landed_by)
            values (%(stage)s, %(first_day)s, %(code)s, %(valuation_date)s, %(known_at)s, %(landed_by)s)
            on conflict (stage) do update set
                first_day = excluded.first_day, code_sha256 = excluded.code_sha256,
                valuation_date = excluded.valuation_date, known_at = excluded.known_at,
                landed_by = excluded.landed_by,
                counted_valuation_date = case when excluded.first_day is not null
                                              then builds.counted_valuation_date end,
                counted_known_at = case when excluded.first_day is not null then builds.counted_known_at end,
                counted_landed_by = case when excluded.first_day is not null then builds.counted_landed_by end
            """,
            {
                "stage": stage,
                "first_day": first_day,
                "code": code_sha256,
                "valuation_date": tonight.valuation_date,
                "known_at": tonight.known_at,
                "landed_by": tonight.landed_by,
            },
        )
    return first_day


def complete_stage(stage: str) -> None:
    """Note that all tables of a stage have been made: what its build read is counted from now on."""
    with warehouse.connect() as connection:
        connection.execute(
            """
            update ops.stage_builds
            set counted_valuation_date = valuation_date, counted_known_at = known_at,
                counted_landed_by = landed_by, is_current = true
            where stage = %s
            """,
            [stage],
        )


def distrust() -> None:
    """Forget what was counted, so that the next build makes every day anew: something built is wrong."""
    with warehouse.connect() as connection:
        connection.execute("delete from ops.stage_builds")


def _tonight(connection: Connection, before: str | None) -> _Counted | None:
    """Facts that a stage is made of in the night now open; None where the stage before is not complete."""
    if before is None:
        # A load of a transaction now open is not seen yet, and ends after that began.
        row = connection.execute(
            """
            select valuation_date, known_at, (
                select min(xact_start) from pg_stat_activity where datname = current_database()
            )
            from ops.night
            """
        ).fetchone()
        if row is None:
            raise TransformationError("No night is open: `folio.jobs.nights.open_night` comes before stages.")
    else:
        row = connection.execute(
            """
            select night.valuation_date, builds.counted_known_at, builds.counted_landed_by
            from ops.stage_builds as builds cross join ops.night
            where builds.stage = %s and builds.counted_known_at is not null
            """,
            [before],
        ).fetchone()
    return _Counted(*row) if row else None


# publishing


def mark(night: str, manifest: Mapping[str, Any]) -> dict[str, date | None]:
    """Fill `build.touched` for every mart, beside what a failed publication has left there.

    A mart with its day in its key is touched from the first day that a fact may change: the earliest day
    of a price, rate or booking that the last publication had not counted, the day after its valuation
    date, and the first day of which the built rows are not as many as the served ones. Everything else,
    and everything after a change of models, code or reference data, is touched whole.

    Returns
    -------
    dict of relation to date or None
        First day touched; None where every day is.
    """
    Night.parse(night)
    found: dict[str, date | None] = {}
    with warehouse.connect() as connection:
        first_day = _first_unpublished_day(connection, manifest)
        for mart in store.marts(manifest):
            day = _first_day_of(connection, mart, first_day)
            found[mart.name] = day
            connection.execute(
                """
                insert into build.touched (relation, key, first_day)
                select %(relation)s, null, %(day)s
                where not exists (
                    select 1 from build.touched
                    where relation = %(relation)s and key is null and first_day is not distinct from %(day)s
                )
                """,
                {"relation": mart.name, "day": day},
            )
    return found


def _first_unpublished_day(connection: Connection, manifest: Mapping[str, Any]) -> date | None:
    """Earliest day whose figures may differ from the published ones; None when any may."""
    last = store.publications(connection, limit=2)
    if len(last) < 2:
        return None
    published, before = last
    code = connection.execute(
        "select code_sha256 from history.publications where publication_id = %s", [published.publication_id]
    ).fetchone()
    if code is None or code[0] != store.fingerprint(manifest):
        return None
    # A load may have landed while the last publication was being built and not have been counted: all that
    # came since the publication before it is looked at again.
    return _first_changed_day(
        connection, _Counted(published.valuation_date, published.known_at, landed_by=before.published_at)
    )


def _first_day_of(connection: Connection, mart: store.Mart, first_day: date | None) -> date | None:
    """First day touched of a mart: at the latest the first of which other counts are built than served."""
    if first_day is None or mart.comparable_day is None:
        return None
    if connection.execute("select to_regclass(%s)", [f"build.{mart.name}"]).fetchone() == (None,):
        return None  # publishing says which stage to run
    row = connection.execute(
        sql.SQL(
            """
            with built as (
                select {day} as day, count(*) as rows from {built} where {day} < %(first)s group by 1
            ),
            served as (
                select {day} as day, count(*) as rows from {view} where {day} < %(first)s group by 1
            )
            select min(day) from built full join served using (day)
            where built.rows is distinct from served.rows
            """
        ).format(day=sql.Identifier(mart.comparable_day), built=mart.built, view=mart.view),
        {"first": first_day},
    ).fetchone()
    return row[0] if row and row[0] is not None else first_day


# facts


def _first_changed_day(connection: Connection, counted: _Counted) -> date | None:
    """Earliest day that facts known tonight and not yet counted may change; None when they may any day."""
    new = {
        "known_at": counted.known_at,
        "landed_by": counted.landed_by,
        "valuation_date": counted.valuation_date,
    }
    days = [counted.valuation_date + NEXT_DAY]
    for table in UNDATED_FACTS:
        if connection.execute(_new_rows(table, sql.SQL("true")) + sql.SQL(" limit 1"), new).fetchone():
            return None
    for table, day in DATED_FACTS.items():
        days += _values(connection, _new_rows(table, sql.SQL("min({})").format(sql.SQL(day))), new)
    # A session more or less, such as a holiday that was learned, changes the age of prices from its day on.
    changed = sql.SQL("select min(day) from {} where changed_at > %(landed_by)s")
    days += _values(connection, changed.format(sql.Identifier("ops", "calendar_days")), new)
    # Every day that a booking ever had, and those of the legs it is paired with: units that leave later
    # than they arrive, or are not known to leave at all, change what arrived, and what arrives, also by a
    # booking of before whose day has now come, says that what left was on its way.
    booked = sql.SQL(
        """
        with new as (
            {new}
            union
            select transaction_key from raw.{bookings}
            where trade_date > %(valuation_date)s and pair_key is not null
        )
        select min(least(trade_date, settlement_date, nav_date)) from raw.{bookings}
        where transaction_key in (select transaction_key from new) or pair_key in (
            select bookings.pair_key from raw.{bookings} as bookings join new using (transaction_key)
            where bookings.pair_key is not null
        )
        """
    ).format(new=_new_rows(BOOKINGS, sql.SQL("transaction_key")), bookings=sql.Identifier(BOOKINGS))
    bookings = _values(connection, booked, new) + _days_of_credited_units(connection, new)
    if bookings and connection.execute(LOOKS_AHEAD).fetchone():
        bookings = [min(bookings) - LATER_PURCHASES]
    return min([*days, *bookings])


def _days_of_credited_units(connection: Connection, new: Mapping[str, object]) -> list[date]:
    """Days before their own on which units of new bonuses and spin-offs count; a new split touches all."""
    found = []
    for table, fell in PRICE_FELL.items():
        if connection.execute("select to_regclass(%s)", [table]).fetchone() == (None,):
            continue  # nothing was built yet
        query = sql.SQL(
            """
            with new as ({new}),
            credited as (
                select kind, trade_date, instrument_key from raw.{bookings}
                where transaction_key in (select transaction_key from new)
            ),
            fallen as ({fell})
            select min(day) from fallen where day between trade_date - %(credit_days)s and trade_date
            """
        ).format(
            new=_new_rows(BOOKINGS, sql.SQL("transaction_key")),
            bookings=sql.Identifier(BOOKINGS),
            fell=sql.SQL(fell),
        )
        found += _values(connection, query, {**new, "credit_days": CREDIT_DAYS})
    return found


def _new_rows(table: str, what: sql.Composable) -> sql.Composed:
    """Query of the rows of a raw table that are known tonight and may not have been counted."""
    return sql.SQL(
        """
        select {} from raw.{} as facts
        where facts.observed_at <= (select known_at from ops.night) and (
            facts.observed_at > %(known_at)s or facts.load_id in (
                select load_id from raw.loads where finished_at is null or finished_at > %(landed_by)s
            )
        )
        """
    ).format(what, sql.Identifier(table))


def _values(connection: Connection, query: sql.Composed, parameters: Mapping[str, object]) -> list[date]:
    return [row[0] for row in connection.execute(query, parameters) if row[0] is not None]
