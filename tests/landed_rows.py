"""Rows of raw tables for tests of what happens after landing."""

import uuid
from datetime import UTC, datetime

from folio.sources.tables import TABLES
from folio.store import warehouse


def landed(table, rows, observed_at=datetime(2013, 2, 27, 3, tzinfo=UTC), source="polygon"):
    """Put rows (key and values, in the table's order) into raw as one load of changes; gives its id."""
    load, declared = uuid.uuid4(), TABLES[table]
    columns = [*declared.columns, "observed_at", "known_basis", "load_id", "line"]
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, request, status, observed_at,"
            " payload_sha256, rows_seen, rows_changed)"
            " values (%s, %s, %s, %s, 1, '', 'loaded', %s, '0', %s, %s)",
            (load, source, table, str(load), observed_at, len(rows), len(rows)),
        )
        connection.cursor().executemany(
            f"insert into raw.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
            [(*row, observed_at, "observed", load, line) for line, row in enumerate(rows, start=1)],
        )
    return load
