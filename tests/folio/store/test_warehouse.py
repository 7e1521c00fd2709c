"""The warehouse connects, migrates and replaces."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
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


def test_rows_in_copy_text_land_like_any_others(warehouse):
    with store.connect() as connection:
        connection.execute("create table ops.trial (key int, value numeric, note text)")
        lines = store.CopyText(f"{key}\t{key}.50\t\\N" for key in range(50_000))
        assert store.replace(connection, "ops.trial", ["key", "value", "note"], lines) == 50_000
        rows = connection.execute("select * from ops.trial where key in (0, 49999) order by key").fetchall()
    assert rows == [(0, Decimal("0.50"), None), (49_999, Decimal("49999.50"), None)]


IDENTITY = UUID("11111111-2222-3333-4444-555555555555")


def test_columns_are_read_as_arrays(warehouse):
    with store.connect() as connection:
        names, days, numbers = store.read_arrays(
            connection,
            "values ('11111111-2222-3333-4444-555555555555'::uuid, date '1999-12-31', 1.5::float8),"
            " ('11111111-2222-3333-4444-555555555555'::uuid, date '2013-02-28', 'NaN'::float8)",
            ("uuid", "date", "float8"),
        )
    assert [UUID(bytes=name.tobytes()) for name in names] == [IDENTITY, IDENTITY]
    assert days.tolist() == [date(1999, 12, 31), date(2013, 2, 28)]
    assert np.isnan(numbers[1])
    np.testing.assert_array_equal(numbers[:1], [1.5])


def test_a_query_without_rows_gives_empty_arrays(warehouse):
    with store.connect() as connection:
        [numbers] = store.read_arrays(connection, "select 1::float8 where false", ("float8",))
    assert numbers.shape == (0,)


@pytest.mark.parametrize("query", ["values (1::float8), (null)", "values (1::int4)"])
def test_a_null_or_a_narrower_type_is_no_array(warehouse, query):
    with store.connect() as connection, pytest.raises(ValueError, match="null or"):
        store.read_arrays(connection, query, ("float8",))
