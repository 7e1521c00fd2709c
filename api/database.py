"""The API's two pools: one that only reads published rows, one that only records requests."""

import logging
import threading
import uuid
from functools import partial
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from folio.settings import Settings, settings
from folio.store import roles, warehouse

log = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

WAIT_SECONDS = 10.0
STATEMENT_SECONDS = 30


class Database:
    """Pools that open when first used, so that the API starts and says so while the database is away."""

    def __init__(self, current: Settings | None = None) -> None:
        self.settings = current or settings()
        self._lock = threading.Lock()
        self._reader: Pool | None = None
        self._auditor: Pool | None = None

    @property
    def reader(self) -> Pool:
        """Connections that can do nothing but read, each transaction on one snapshot."""
        with self._lock:
            if self._reader is None:
                configured = self.settings.api_dsn
                dsn = (
                    configured.get_secret_value()
                    if configured
                    else roles.login_dsn(warehouse.url(self.settings), roles.API)
                )
                self._reader = _open(dsn, "folio_api", self.settings.api_pool_size, read_only=True)
            return self._reader

    @property
    def auditor(self) -> Pool:
        """Connections that can do nothing but add to the record of requests."""
        with self._lock:
            if self._auditor is None:
                configured = self.settings.audit_dsn
                dsn = (
                    configured.get_secret_value()
                    if configured
                    else roles.login_dsn(warehouse.url(self.settings), roles.AUDIT)
                )
                self._auditor = _open(dsn, "folio_audit", 2, read_only=False)
            return self._auditor

    def record(self, key_id: uuid.UUID | None, method: str, path: str, status: int) -> None:
        """Keep who asked for what and how it ended; the query string is not kept."""
        with self.auditor.connection() as connection:
            connection.execute(
                "insert into access.requests (request_id, key_id, method, path, status)"
                " values (%s, %s, %s, %s, %s)",
                [uuid.uuid4(), key_id, method, path, status],
            )

    def close(self) -> None:
        """Close the pools that were opened."""
        with self._lock:
            for pool in (self._reader, self._auditor):
                if pool is not None:
                    pool.close()
            self._reader = self._auditor = None


def _open(dsn: str, name: str, size: int, read_only: bool) -> Pool:
    options = f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS}s"
    if read_only:
        options += " -c default_transaction_read_only=on"
    return ConnectionPool(
        dsn,
        connection_class=Connection,
        kwargs={"application_name": name, "options": options},
        configure=partial(_configure, read_only=read_only),
        check=ConnectionPool.check_connection,
        min_size=1,
        max_size=size,
        timeout=WAIT_SECONDS,
        name=name,
        open=True,
    )


def _configure(connection: Connection, read_only: bool) -> None:
    if read_only:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
