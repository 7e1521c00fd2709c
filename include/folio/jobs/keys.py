"""API keys: made, and made invalid; only the SHA-256 of a secret is stored."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any, Literal

import psycopg

from folio.errors import FolioError

Connection = psycopg.Connection[tuple[Any, ...]]
Scope = Literal["client", "adviser", "analyst"]


def hashed(secret: str) -> str:
    """What is stored of a key's secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    connection: Connection,
    label: str,
    scope: Scope,
    investor_codes: list[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a key in the open transaction and return its secret, which is kept nowhere.

    Investors are named by their code in the books. FolioError when one is unknown, when a client's or
    adviser's key names none, or when an analyst's key names some (it sees all).
    """
    codes = sorted(set(investor_codes or ()))
    if (scope == "analyst") == bool(codes):
        raise FolioError(
            "An analyst's key sees every portfolio: name no investor."
            if codes
            else f"A key of scope {scope} sees only the investors it names: give --investor CODE."
        )
    granted = connection.execute(
        "select source_key, id from raw.identities where kind = 'investor' and source_key = any(%s)", [codes]
    ).fetchall()
    unknown = sorted(set(codes) - {code for code, _ in granted})
    if unknown:
        raise FolioError(f"No book names the investor {', '.join(unknown)}.")
    secret = f"folio_{secrets.token_urlsafe(32)}"
    key_id = uuid.uuid4()
    connection.execute(
        """
        insert into access.api_keys (key_id, key_hash, label, scope, expires_at)
        values (%s, %s, %s, %s, %s)
        """,
        [key_id, hashed(secret), label, scope, expires_at],
    )
    for _, investor_id in granted:
        connection.execute(
            "insert into access.grants (key_id, investor_id) values (%s, %s)", [key_id, investor_id]
        )
    return secret


def revoke_key(connection: Connection, key_id: uuid.UUID) -> None:
    """Make a key invalid from now on (the first instant stays); FolioError when there is none."""
    revoked = connection.execute(
        "update access.api_keys set revoked_at = coalesce(revoked_at, clock_timestamp()) where key_id = %s",
        [key_id],
    ).rowcount
    if not revoked:
        raise FolioError(f"There is no key {key_id}: see `folio keys list`.")
