"""Commands on book files: see what would load before it is dropped."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from folio.books.importers.events import UNITS_TOLERANCE, Imported
from folio.books.known import Known
from folio.books.reading import Reading, Rejected, read
from folio.books.recognise import (
    FORMATS,
    all_columns,
    header_of,
    kind_of,
    recognise,
    required_columns,
    text_of,
)
from folio.books.resolve import known_at, with_reading
from folio.errors import PayloadError
from folio.settings import settings

app = typer.Typer(no_args_is_help=True, help="Clients' books: check files before they are dropped.")


@app.callback()
def books() -> None:
    """Clients' books: check files before they are dropped."""


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="A book file, or an export or statement."
        ),
    ],
    account: Annotated[
        str | None, typer.Option("--account", help="Key of the account that an export is of.")
    ] = None,
    database: Annotated[
        bool, typer.Option("--database", help="Also count as known what the warehouse knows now.")
    ] = False,
) -> None:
    """Show what of a book file would load and what would be rejected, with line, column and reason.

    Of an export also its kinds, days and closing units. Reference files in the same folder count as landed
    before it. Ends with status 1 where a line or the whole file would be rejected; a line that waits for the
    name of an instrument is not.

    Example: folio books check drop/2013-02-28T0000Z_transactions.csv
    Example: folio books check ~/Downloads/Account.csv --account P07A-BRK
    """
    screen = Console()
    known = _known_in_warehouse() if database else Known()
    try:
        body = file.read_bytes()
        kind = kind_of(body)
        if isinstance(kind, type):
            reading = read(body, _with_folder(known, file))
        else:
            imported = kind.read(body)
            # What is checked is the export: an account that no file has described yet is taken for granted.
            named = dict.fromkeys((account or file.parent.name, *imported.accounts()), "EUR")
            around = _with_folder(known, file)
            around = replace(around, accounts={**named, **around.accounts})
            reading = read(body, around, account=account or file.parent.name, imported=imported)
            _show_export(screen, file, kind.title, imported, reading)
            return
    except PayloadError as wrong:
        screen.print(f"[bold]{file.name}[/bold]: {wrong}", highlight=False)
        raise typer.Exit(1) from None
    screen.print(
        f"[bold]{file.name}[/bold]: {reading.row.dataset}, {len(reading.accepted)} rows would load, "
        f"{len(reading.rejected)} would be rejected",
        highlight=False,
    )
    if reading.rejected:
        _show_rejected(screen, reading.rejected)
        raise typer.Exit(1)


def _show_rejected(screen: Console, rejected: Sequence[Rejected]) -> None:
    table = Table("line", "reason", "content")
    for one in rejected:
        table.add_row(str(one.line), one.reason, one.content)
    screen.print(table, markup=False)


def _show_statements(screen: Console, imported: Imported) -> None:
    """Balances that a statement states, beside what its transactions add up to."""
    if not imported.statements and not imported.unstated:
        return
    table = Table("account", "instrument", "day", "stated units", "units of transactions", "")
    for one in imported.statements:
        booked = imported.closing_units(one.account).get(one.instrument, Decimal(0))
        if abs(booked - one.units) <= UNITS_TOLERANCE:
            remark = "agrees"
        elif not imported.booked:
            remark = "the file lists no transactions"
        else:
            remark = f"differs by {booked - one.units:f}"
            remark += f"; opens with {one.opening:f}" if one.opening else ""
            remark += f"; not all are listed, first by {one.gap}" if one.gap else ""
        table.add_row(
            one.account or "", one.instrument, str(one.day), f"{one.units:f}", f"{booked:f}", remark
        )
    screen.print(table, markup=False)
    if imported.unstated:
        _show_rejected(screen, [Rejected(one.line, one.reason, one.content) for one in imported.unstated])


def _show_export(screen: Console, file: Path, title: str, imported: Imported, reading: Reading) -> None:
    """Counts, days, kinds and closing units of an export, then what waits and what is rejected."""
    events = list(imported.events())
    waiting = [one for one in reading.rejected if (one.waits_for or "").startswith("instrument ")]
    refused = [one for one in reading.rejected if one not in waiting]
    screen.print(
        f"[bold]{file.name}[/bold]: {title}, {len(events)} events of {len(imported.booked)} records, "
        f"{len(refused)} would be rejected, {len(imported.passed)} lines hold no event",
        highlight=False,
    )
    if events:
        days = sorted(event.trade_date for event in events)
        screen.print(f"from {days[0]} to {days[-1]}", highlight=False)
        kinds = Table("kind", "events")
        for name, count in sorted(imported.kinds().items()):
            kinds.add_row(name, str(count))
        screen.print(kinds)
    if units := imported.closing_units():
        held = Table("instrument", "closing units", "the source calls it")
        titles = {event.instrument: event.title or "" for event in events}
        for name, size in units.items():
            held.add_row(name, f"{size:f}", titles[name])
        screen.print(held, markup=False)
    _show_statements(screen, imported)
    if waiting:
        names = sorted({(one.waits_for or "").removeprefix("instrument ") for one in waiting})
        screen.print(
            f"{len(waiting)} records would wait for the name of an instrument: {', '.join(names)}",
            highlight=False,
            markup=False,
        )
    if refused:
        _show_rejected(screen, refused)
        raise typer.Exit(1)


@app.command()
def convert(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A fund statement as PDF.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; else FILE's name with .json in its folder.")
    ] = None,
) -> None:
    """Turn a fund statement (PDF) into the file to drop: what it says of holdings, and not whose they are.

    The password comes from FOLIO_STATEMENT_PASSWORD or is asked for; it is neither kept nor shown.

    Example: folio books convert ~/Downloads/statement.pdf --out drop/statement.json
    """
    from folio.books.statement_pdf import read_pdf

    password = settings().statement_password or SecretStr(
        typer.prompt(f"Password of {file.name}", hide_input=True, err=True)
    )
    try:
        made = read_pdf(file.read_bytes(), password.get_secret_value())
    except PayloadError as wrong:
        typer.echo(f"{file.name}: {wrong}", err=True)
        raise typer.Exit(1) from None
    for warning in made.warnings:
        typer.echo(f"check: {warning}", err=True)
    target = out or file.with_suffix(".json")
    target.write_bytes(made.body)
    typer.echo(f"{target}: `folio books check` shows what it gives", err=True)


@app.command()
def template(
    kind: Annotated[str, typer.Argument(help="Kind of book file, such as transactions.")],
) -> None:
    """Print the header of a kind of book file; columns that may be left out are said on the error stream.

    Example: folio books template transactions > drop/transactions.csv
    """
    kinds = {row.dataset: row for row in FORMATS}
    if kind not in kinds:
        raise typer.BadParameter(f"known kinds are {', '.join(kinds)}")
    row = kinds[kind]
    typer.echo(",".join(row.model_fields))
    optional = sorted(all_columns(row) - required_columns(row))
    typer.echo(f"optional: {', '.join(optional) or 'none'} (docs/books.md)", err=True)


def _known_in_warehouse() -> Known:
    from datetime import UTC, datetime

    from folio.store import warehouse

    with warehouse.connect() as connection:
        return known_at(connection, datetime.now(UTC))


def _with_folder(known: Known, file: Path) -> Known:
    """What the reference files beside a file add, in the order in which they would land."""
    for row in FORMATS:
        for beside in sorted(file.parent.glob("*.csv")):
            if beside == file or beside.name.startswith("."):
                continue
            try:
                body = beside.read_bytes()
                if recognise(header_of(text_of(body))) is not row:
                    continue
                known = with_reading(known, read(body, known))
            except PayloadError:
                continue  # not a book file, so it introduces nothing
    return known
