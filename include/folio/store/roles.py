"""Logins of the roles that only read or only audit, with passwords derived from the owner's."""

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from folio.errors import ServiceError

API = "folio_api"
AUDIT = "folio_audit"
ATTEMPTS = 5


def login_dsn(owner_dsn: str, role: str) -> str:
    """Connection URI of a role on the owner's database, after making sure that the role may log in.

    ServiceError when the owner's URI holds no password to derive from, or the role cannot log in.
    """
    parts = urlsplit(owner_dsn)
    if parts.password is None:
        raise ServiceError(
            "FOLIO_DSN holds no password, so the API's cannot be derived from it: set FOLIO_API_DSN and "
            "FOLIO_AUDIT_DSN to connection URIs of roles that are members of folio_api and folio_audit."
        )
    password = _derived(parts.password, role)
    place = parts.netloc.rpartition("@")[2]
    dsn = urlunsplit(parts._replace(netloc=f"{quote(role)}:{password}@{place}"))
    if not _opens(dsn):
        with psycopg.connect(owner_dsn, autocommit=True) as owner:
            _let_in(owner, role, password)
        if not _opens(dsn):
            raise ServiceError(f"The role {role} cannot log in to {parts.hostname}: see the server's log.")
    return dsn


def _derived(secret: str, role: str) -> str:
    return hmac.new(secret.encode(), f"folio role {role}".encode(), hashlib.sha256).hexdigest()


def _opens(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _let_in(owner: psycopg.Connection[Any], role: str, password: str) -> None:
    """Give a role its password; roles belong to the server, so another database's process may do it too."""
    command = sql.SQL("alter role {} login password {}").format(sql.Identifier(role), sql.Literal(password))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            owner.execute(command)
            return
        except psycopg.errors.InternalError_:  # tuple concurrently updated
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.05 * attempt)
