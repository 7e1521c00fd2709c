"""`folio status`: services with their health and addresses, the last publication, and what is stored."""

import json
from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql
from rich.console import Console
from rich.table import Table

from folio.errors import ServiceError
from folio.services.instance import Instance, ServiceStatus
from folio.settings import settings
from folio.store import warehouse

LAST_PUBLICATION = """
    select publication_id, ordinal, night, valuation_date, published_at
    from history.publications order by ordinal desc limit 1
"""
MARTS = """
    select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'marts' and relkind in ('v', 'r') order by relname
"""
LEFT_IN_PEACE = """
    select provider, open_until, reason from ops.breakers where opened_at is not null order by provider
"""
COLOURS = {"healthy": "green", "configured": "green", "ailing": "yellow", "stopped": "red"}


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show what runs and where, the last publication, counts, and providers left in peace. Starts nothing.

    Example: `folio status --json`
    """
    instance = Instance.load(settings())
    if as_json:
        typer.echo(json.dumps(described(instance), default=str, indent=2))
    else:
        show(instance)


def described(instance: Instance) -> dict[str, Any]:
    """Give services, last publication, loads by status, rows by mart and open breakers as plain values."""
    return {
        "instance": instance.name,
        "state": str(instance.base.state.absolute()),
        "services": [asdict(service) for service in instance.status()],
        **_stored(instance),
    }


def show(instance: Instance) -> None:
    """Print the instance's state for people."""
    console = Console()
    table = Table("service", "state", "address", "process", "note", title=f"instance {instance.name}")
    for service in instance.status():
        table.add_row(*_row(service))
    console.print(table)
    stored = _stored(instance)
    if stored["database_error"]:
        console.print(stored["database_error"], style="yellow", markup=False, highlight=False)
        return
    last = stored["last_publication"]
    console.print(
        f"last publication  {last['night']} (about {last['valuation_date']})"
        if last
        else "nothing is published yet"
    )
    loads = ", ".join(f"{count:,} {state}" for state, count in stored["loads"].items())
    console.print(f"loads             {loads or 'none'}")
    for one in stored["left_in_peace"]:
        until = f"{one['open_until'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        text = f"left in peace     {one['provider']}, because {one['reason']}; asked again from {until}"
        console.print(text, style="yellow", markup=False, highlight=False)
    console.print(f"rows in marts     {sum(stored['marts'].values()):,} in {len(stored['marts'])} tables")


def _row(service: ServiceStatus) -> tuple[str, str, str, str, str]:
    state = f"[{COLOURS[service.state]}]{service.state}[/]"
    return service.name, state, service.url or "", str(service.pid or ""), service.reason or ""


def _stored(instance: Instance) -> dict[str, Any]:
    """What the warehouse holds; null and empty where the database is down or its schema not there yet."""
    found: dict[str, Any] = {
        "last_publication": None,
        "loads": {},
        "left_in_peace": [],
        "marts": {},
        "database_error": None,
    }
    try:
        with warehouse.connect(warehouse.url(instance.settings)) as connection:
            if _exists(connection, "history.publications"):
                cursor = connection.execute(LAST_PUBLICATION)
                row = cursor.fetchone()
                names = [column.name for column in cursor.description or ()]
                found["last_publication"] = dict(zip(names, row, strict=True)) if row else None
            if _exists(connection, "raw.loads"):
                loads = connection.execute("select status, count(*) from raw.loads group by 1 order by 1")
                found["loads"] = dict(loads.fetchall())
            if _exists(connection, "ops.breakers"):
                found["left_in_peace"] = [
                    {"provider": provider, "open_until": until, "reason": reason}
                    for provider, until, reason in connection.execute(LEFT_IN_PEACE)
                ]
            marts = [name for (name,) in connection.execute(MARTS).fetchall()]
            found["marts"] = {name: _count(connection, name) for name in marts}
    except (psycopg.OperationalError, ServiceError) as error:
        found["database_error"] = str(error).strip()
    return found


def _exists(connection: psycopg.Connection[Any], relation: str) -> bool:
    return connection.execute("select to_regclass(%s) is not null", [relation]).fetchone() == (True,)


def _count(connection: psycopg.Connection[Any], mart: str) -> int:
    """Rows that readers without a restriction see."""
    with connection.transaction():
        connection.execute("set local role folio_bi")
        row = connection.execute(
            sql.SQL("select count(*) from marts.{}").format(sql.Identifier(mart))
        ).fetchone()
    return int(row[0]) if row else 0
