"""Surrogate ids: uuid5 of the first source key seen, so that rebuilding from raw gives the same ids."""

import uuid
from collections.abc import Iterable
from typing import Any

import psycopg

NAMESPACE = uuid.UUID("5b0f3c1e-7d52-5a3e-9d0a-1f2f6c7a4e11")
"""Root of every surrogate id; it never changes."""


def surrogate_id(kind: str, source_key: str) -> uuid.UUID:
    """Id of what a book calls `source_key`.

    Kinds are investor, household, tax_unit, portfolio, account, instrument, strategy and
    transaction.
    """
    return uuid.uuid5(NAMESPACE, f"{kind}:{source_key}")


def cash_key(currency: str) -> str:
    """Source key of the instrument that cash in a currency is."""
    return f"cash:{currency}"


def register(
    connection: psycopg.Connection[Any], identities: Iterable[tuple[str, str]], load_id: uuid.UUID
) -> None:
    """Enter (kind, source key) pairs not seen before into raw.identities, in the open transaction."""
    rows = [(kind, key, surrogate_id(kind, key), load_id) for kind, key in sorted(set(identities))]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.identities (kind, source_key, id, load_id) values (%s, %s, %s, %s) "
            "on conflict (kind, source_key) do nothing",
            rows,
        )
