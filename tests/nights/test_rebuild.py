"""A rebuild as of a night of the past gives, from raw alone, row for row what that night had built."""

import psycopg
import pytest
from psycopg import sql

from folio.jobs import rebuild
from folio.jobs.nights import Night
from folio.store import asof
from folio.store import warehouse as connections

pytestmark = pytest.mark.exhaustive

OF_THE_NIGHT = {
    *("fct_rebalance_plans", "fct_rebalance_orders", "fct_recommendations", "fct_alerts"),
    *("fct_loads", "fct_data_quality"),
}
"""What a night decided and what it went through, which are not made again."""


def marts(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = connection.execute(
        "select table_name::text from information_schema.tables where table_schema = 'build'"
        " and (table_name like 'fct\\_%' or table_name like 'dim\\_%') order by 1"
    ).fetchall()
    return [str(name) for (name,) in rows if name not in OF_THE_NIGHT]


def content(connection: psycopg.Connection[tuple[object, ...]], mart: str) -> object:
    """Rows of a mart, and a hash of them all."""
    return connection.execute(
        sql.SQL("select count(*), md5(string_agg(m::text, '|' order by m::text)) from {} as m").format(
            sql.Identifier("build", mart)
        )
    ).fetchone()


def test_the_second_night_is_rebuilt_after_the_third_from_what_was_known_then(demo):
    night = demo.nights[1]
    with demo.copy(len(demo.nights)) as warehouse:
        with connections.connect(warehouse) as connection:
            before = connection.execute("select * from ops.night").fetchall()
            served = {mart: content(connection, mart) for mart in marts(connection)}
        made = rebuild.rebuild(Night.parse(night).instant)
        assert made.night == night
        assert made.database.endswith("_asof_20130301t0300z")
        try:
            with (
                connections.connect(asof.scratch_url(Night.parse(night).instant)) as scratch,
                connections.connect(demo.server.url(demo.database(2))) as then,
            ):
                names = marts(then)
                assert {"fct_holdings", "fct_period_results", "fct_risk_measures", "fct_tax_lots"} <= set(
                    names
                )
                different = [mart for mart in names if content(scratch, mart) != content(then, mart)]
        finally:
            assert rebuild.drop(Night.parse(night).instant)
        assert different == []
        with connections.connect(warehouse) as connection:
            assert connection.execute("select * from ops.night").fetchall() == before
            assert {mart: content(connection, mart) for mart in marts(connection)} == served
