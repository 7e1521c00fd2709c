"""The warehouse: the only module that opens connections to Folio's PostgreSQL database for the pipeline."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

from folio.errors import SettingsError
from folio.settings import Settings, settings
from folio.store import postgres

MIGRATIONS = Path(__file__).parent / "migrations"
MINIMUM_VERSION = 170000  # MERGE ... WHEN NOT MATCHED BY SOURCE


def url(current: Settings | None = None) -> str:
    """Connection URI of the owner role on Folio's database: configured, else the embedded server."""
    return postgres.folio_dsn(current or settings())


def connect(dsn: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """Connection of the owner role, in UTC; used with `with` it commits or rolls back."""
    connection = psycopg.connect(
        dsn or url(),
        application_name="folio",
        options="-c timezone=UTC -c client_min_messages=warning",
    )
    if connection.info.server_version < MINIMUM_VERSION:
        connection.close()
        raise SettingsError(
            f"PostgreSQL {connection.info.server_version // 10000} is too old: Folio needs 17 or newer. "
            "Point FOLIO_DSN at such a server, or unset it to use the embedded one."
        )
    return connection


def migrate(dsn: str | None = None) -> None:
    """Bring the database's schema up to date by applying the numbered migrations it lacks, each once."""
    backend = get_backend(_migration_uri(conninfo_to_dict(dsn or url())))
    try:
        migrations = read_migrations(str(MIGRATIONS))
        with backend.lock():
            backend.apply_migrations(backend.to_apply(migrations))
    finally:
        backend.connection.close()


def replace(
    connection: psycopg.Connection[Any],
    relation: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    where: str = "true",
    parameters: Sequence[Any] = (),
) -> int:
    """Put `rows` in the place of those that `where` names, in the open transaction.

    Parameters
    ----------
    relation : "schema.table", from code and never from data.
    columns : names of the values in each row, in their order.
    where : SQL condition of the rows that go, with %s for each of `parameters`.

    Returns
    -------
    int
        Rows written.
    """
    schema, table = relation.split(".")
    target = sql.Identifier(schema, table)
    written = 0
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("delete from {} where " + where).format(target), parameters)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(target, names)) as copy:
            for row in rows:
                copy.write_row(row)
                written += 1
    return written


def _migration_uri(parts: dict[str, Any]) -> str:
    """URI as the migration tool wants it, from libpq's connection parameters."""
    user, password = (quote(str(parts.get(part, "")), safe="") for part in ("user", "password"))
    return (
        f"postgresql+psycopg://{user}:{password}@{parts.get('host', '127.0.0.1')}:{parts.get('port', 5432)}"
        f"/{parts['dbname']}"
    )
