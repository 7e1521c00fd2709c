"""`folio keys`: make, list and revoke API keys; a secret is shown once and stored as its SHA-256."""

import json
import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from folio.jobs.keys import Scope, create_key, revoke_key
from folio.store import warehouse

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


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
