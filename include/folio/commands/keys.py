"""`folio keys`: make, list and revoke API keys; a secret is shown once and stored as its SHA-256."""

import hashlib
import json
import secrets
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from folio.errors import FolioError
from folio.store import warehouse

Connection = psycopg.Connection[tuple[Any, ...]]
Scope = Literal["client", "adviser", "analyst"]

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


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


@app.command("create")
def create(
    label: Annotated[str, typer.Option(help="Whose key it is and what for.")],
    scope: Annotated[
        Scope, typer.Option(help="client, adviser (named investors) or analyst (all).")
    ] = "client",
    investor: Annotated[
        list[str] | None, typer.Option(help="Code of an investor it may see; may be repeated.")
    ] = None,
    expires: Annotated[datetime | None, typer.Option(help="UTC instant from which it is invalid.")] = None,
) -> None:
    """Make a key and print its secret once.

    Example: `folio keys create --label "Asha's app" --scope client --investor INV-001`
    """
    expires_at = expires.replace(tzinfo=UTC) if expires else None
    with warehouse.connect() as connection:
        secret = create_key(connection, label, scope, investor, expires_at)
    typer.echo(secret)


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
) -> None:
    """List keys with what they may see; never their secrets.

    Example: `folio keys list --json`
    """
    names = (
        "key_id",
        "label",
        "scope",
        "investors",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    with warehouse.connect() as connection:
        rows = connection.execute(
            """
            select keys.key_id, keys.label, keys.scope,
                   array(select coalesce(identities.source_key, grants.investor_id::text)
                         from access.grants
                         left join raw.identities
                              on identities.id = grants.investor_id and identities.kind = 'investor'
                         where grants.key_id = keys.key_id order by 1),
                   keys.created_at, keys.expires_at, keys.revoked_at,
                   (select max(requests.at) from access.requests where requests.key_id = keys.key_id)
            from access.api_keys as keys order by keys.created_at
            """
        ).fetchall()
    if as_json:
        typer.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, indent=2))
        return
    table = Table(*names)
    for row in rows:
        told = [
            ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
            for value in row
        ]
        table.add_row(*told)
    Console().print(table if rows else "There are no keys yet: `folio keys create --help`.")


@app.command("revoke")
def revoke(key_id: Annotated[uuid.UUID, typer.Argument(help="Id of the key, as `list` gives it.")]) -> None:
    """Make a key invalid from now on.

    Example: `folio keys revoke 0b0e7c2e-4f3c-4f0f-9d7c-3a6c1a9d2f11`
    """
    with warehouse.connect() as connection:
        revoke_key(connection, key_id)
    typer.echo(f"{key_id} is revoked.")
