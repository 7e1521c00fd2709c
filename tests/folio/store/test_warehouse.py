"""The warehouse connects, migrates and replaces."""

from decimal import Decimal

import pytest

from folio.store import warehouse as store


def test_migrating_twice_changes_nothing(warehouse):
    store.migrate(warehouse)
    with store.connect() as connection:
        tables = connection.execute(
            "select count(*) from pg_tables where schemaname in ('raw', 'ops', 'computed', 'access')"
        ).fetchone()
    assert tables is not None
    assert tables[0] > 24


def test_replace_puts_rows_in_the_place_of_those_named(warehouse):
    with store.connect() as connection:
        connection.execute("create table ops.trial (key int, value numeric)")
        store.replace(connection, "ops.trial", ["key", "value"], [(1, Decimal("1.10")), (2, Decimal(2))])
        written = store.replace(
            connection, "ops.trial", ["key", "value"], [(2, Decimal(3))], where="key = %s", parameters=[2]
        )
        rows = connection.execute("select key, value from ops.trial order by key").fetchall()
    assert written == 1
    assert rows == [(1, Decimal("1.10")), (2, Decimal(3))]


def test_a_failed_replace_leaves_the_rows_as_they_were(warehouse):
    with store.connect() as connection:
        connection.execute("create table ops.trial (key int primary key)")
        store.replace(connection, "ops.trial", ["key"], [(1,), (2,)])
    with pytest.raises(Exception, match="duplicate key"), store.connect() as connection:
        store.replace(connection, "ops.trial", ["key"], [(3,), (3,)])
    with store.connect() as connection:
        assert connection.execute("select key from ops.trial order by key").fetchall() == [(1,), (2,)]
