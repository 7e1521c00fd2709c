"""When undated history counts from: each rule gives the instant that docs/clocks.md says."""

from datetime import UTC, datetime

import pytest
from psycopg import sql

from folio.settings import ROOT
from folio.sources.tables import TABLES
from folio.store import warehouse as connections

KEYS = {
    "date": "date '2020-01-01'",
    "timestamp with time zone": "timestamptz '2020-01-01 00:00Z'",
    "integer": "1",
    "text": "'1d'",
}
NEXT_MORNING = datetime(2020, 1, 2, 3, tzinfo=UTC)
KNOWN_FROM = {
    "amfi_navs": NEXT_MORNING,
    "polygon_daily_bars": NEXT_MORNING,
    "yahoo_daily_bars": NEXT_MORNING,
    "yahoo_price_repairs": NEXT_MORNING,
    "alphavantage_daily_bars": NEXT_MORNING,
    "file_daily_bars": NEXT_MORNING,
    "ecb_fx_rates": datetime(2020, 1, 1, 15, tzinfo=UTC),
    "coingecko_daily_prices": datetime(2020, 1, 2, 0, 10, tzinfo=UTC),
    "exchange_candles": datetime(2020, 1, 2, tzinfo=UTC),
    "factor_returns": datetime(2020, 2, 15, 3, tzinfo=UTC),
    "risk_free_rates": NEXT_MORNING,
}
"""Instant from which undated history of 2020-01-01 counts."""


def test_every_rule_is_expected_here_and_documented() -> None:
    ruled = {table.name for table in TABLES.values() if table.assumed_from}
    assert ruled == set(KNOWN_FROM)
    lines = (ROOT / "docs" / "clocks.md").read_text().splitlines()
    documented = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert set(documented) == ruled
    for name, instant in KNOWN_FROM.items():
        clock = "end of the candle" if name == "exchange_candles" else f"{instant:%H:%M}"
        assert clock in documented[name], name


@pytest.mark.parametrize("name", KNOWN_FROM)
def test_a_day_of_history_counts_from_its_usual_publication(warehouse: str, name: str) -> None:
    table = TABLES[name]
    with connections.connect(warehouse) as connection:
        kinds = dict(
            connection.execute(
                "select attname::text, format_type(atttypid, null) from pg_attribute"
                " where attrelid = %s::regclass",
                (f"raw.{name}",),
            ).fetchall()
        )
        values = ", ".join(f"{KEYS[kinds[column]]} as {column}" for column in table.key)
        row = connection.execute(
            sql.SQL("select {} from (select {}) as b").format(
                sql.SQL(table.assumed_from or ""),  # type: ignore[arg-type]
                sql.SQL(values),  # type: ignore[arg-type]
            )
        ).fetchone()
    assert row == (KNOWN_FROM[name],)
