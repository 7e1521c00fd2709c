"""What a night may have changed, so that publishing compares that and no more; when in doubt, everything."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from folio.jobs.nights import Night
from folio.store import publish as store
from folio.store import warehouse

Connection = psycopg.Connection[tuple[Any, ...]]

DATED_FACTS = {
    "amfi_navs": "nav_date",
    "polygon_daily_bars": "session_date",
    "ecb_fx_rates": "rate_date",
}
"""Raw tables whose rows change figures from their own day on: table, day column."""

UNDATED_FACTS = (
    "polygon_splits", "book_investors", "book_portfolios", "book_accounts", "book_account_owners",
    "book_instruments", "book_instrument_aliases", "book_targets",
)  # fmt: skip
"""Raw tables of which any new row may change figures of any day."""


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
        first_day = _first_day(connection, manifest)
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


def _first_day(connection: Connection, manifest: Mapping[str, Any]) -> date | None:
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
    new = {"since": before.published_at, "known_at": published.known_at}
    days = [published.valuation_date + timedelta(days=1)]
    for table in UNDATED_FACTS:
        if connection.execute(_new_rows(table, sql.SQL("true")) + sql.SQL(" limit 1"), new).fetchone():
            return None
    for table, column in DATED_FACTS.items():
        days += _values(connection, _new_rows(table, sql.SQL("min({})").format(sql.Identifier(column))), new)
    booked = sql.SQL(
        """
        select min(least(trade_date, settlement_date, nav_date)) from raw.book_transactions
        where transaction_key in ({})
        """
    ).format(_new_rows("book_transactions", sql.SQL("transaction_key")))
    days += _values(connection, booked, new)
    return min(days)


def _new_rows(table: str, what: sql.Composable) -> sql.Composed:
    """Query of the rows of a raw table that the last publication may not have counted."""
    return sql.SQL(
        """
        select {} from raw.{} as facts
        where facts.observed_at > %(known_at)s or facts.load_id in (
            select load_id from raw.loads where finished_at is null or finished_at > %(since)s
        )
        """
    ).format(what, sql.Identifier(table))


def _values(connection: Connection, query: sql.Composed, parameters: Mapping[str, Any]) -> list[date]:
    return [row[0] for row in connection.execute(query, parameters) if row[0] is not None]


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
