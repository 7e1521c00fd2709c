"""Taking in book files: every due file of the drop folder, reference kinds before transactions."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from folio.books import corrections, identity, introduced, waiting
from folio.books.formats.statements import StatementRow
from folio.books.formats.transactions import TransactionRow
from folio.books.reading import read, read_statements
from folio.books.recognise import FORMATS, kind_of
from folio.books.resolve import known_at
from folio.books.statement_pdf import SUFFIX as LOCKED
from folio.errors import NightError, PayloadError, SourceError
from folio.settings import settings
from folio.sources import landing
from folio.sources.payloads import Payload
from folio.store import warehouse

SOURCE = "books"
UNRECOGNISED = "unrecognised"
"""Dataset of the loads of files that are of no known kind; they fail, with the reason."""

_TIMED = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{4}Z)_")
_INSTANT = "%Y-%m-%dT%H%MZ"
_SUFFIXES = (".csv", ".json", ".xml", LOCKED)
_ORDER = {row.dataset: place for place, row in enumerate(FORMATS)}


@dataclass(frozen=True)
class BookFile:
    """A file as it lies in the drop folder; `unreadable` says why its bytes could not be read.

    `account` is the key of the account that its folder is named by, None for a file of no account's folder;
    `states_balances` tells an export that says what it held beside its transactions.
    """

    path: Path
    observed_at: datetime
    dataset: str
    body: bytes = b""
    unreadable: str | None = None
    account: str | None = None
    states_balances: bool = False

    @property
    def name(self) -> str:
        """Name of the file below the drop folder."""
        return self.path.name if self.account is None else f"{self.account}/{self.path.name}"

    @property
    def slot(self) -> str:
        """Name and content of the file: a changed file under an old name is another slot."""
        if self.unreadable is not None:
            return f"{self.name}@unreadable"
        return f"{self.name}@{hashlib.sha256(self.body).hexdigest()[:12]}"


def files(night: str) -> list[landing.Load]:
    """Take in every file that is due on a night; gives each file's load, also where it was loaded before.

    A file stays where it lies. In recorded mode a name that begins with an instant (`2013-02-27T0000Z_`) is
    due from that instant on and was observed then; otherwise a file is due at once and observed now. A file
    that cannot be read ends in a failed load, never in an exception. After the files come the lines, theirs
    and earlier ones', that waited for a name which is known by now.
    """
    recorded, folder = settings().recorded, settings().payload_folder
    with warehouse.connect() as connection:
        parse = _parse(connection)
        loads = [
            load
            for file in due(settings().drop, night, recorded=recorded)
            for load in _take_in(connection, file, night, parse, folder)
        ]
        observed_at = _instant(night) if recorded else datetime.now(UTC)
        loads += introduced.introduce(connection, night, observed_at, parse, folder=folder)
        loads += waiting.land(connection, night, observed_at, parse, folder=folder)
        return loads


def _take_in(
    connection: psycopg.Connection[Any], file: BookFile, night: str, parse: landing.Parse, folder: Path
) -> list[landing.Load]:
    """Take in a file, and the balances it states besides as a load of their own."""
    loads: list[landing.Load] = []
    for dataset in (file.dataset, *((StatementRow.dataset,) if file.states_balances else ())):
        if not loads or loads[0].status == "loaded":  # of a file that cannot be read nothing is
            ask = landing.Ask(SOURCE, dataset, file.slot, night, request=file.name)
            loads.append(landing.take_in(connection, ask, _fetch(file), parse, folder=folder))
    return loads


def due(drop: Path, night: str, *, recorded: bool) -> list[BookFile]:
    """Files of a drop folder that a night may see, in the order in which they land.

    Earlier observed ones first, of those the reference kinds before transactions, then by name. A folder of
    it holds the exports of the account that it is named by. Hidden files and those that end in none of .csv,
    .json, .xml and .pdf are no book files.
    """
    until, now = _instant(night), datetime.now(UTC)
    found = []
    for path in sorted((*drop.glob("*"), *drop.glob("*/*"))) if drop.is_dir() else []:
        account = None if path.parent == drop else path.parent.name
        hidden = path.name.startswith(".") or (account or "").startswith(".")
        if hidden or path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        timed = _TIMED.match(path.name) if recorded else None
        observed_at = _instant(timed[1]) if timed else now
        if timed is None or observed_at <= until:
            found.append(_open(path, observed_at, account))
    return sorted(found, key=lambda f: (f.observed_at, _ORDER.get(f.dataset, len(_ORDER)), f.name))


def _open(path: Path, observed_at: datetime, account: str | None) -> BookFile:
    if path.suffix.lower() == LOCKED:  # never kept: it says who the investor is
        why = (
            f"{path.name}: a PDF opens with its owner's password; drop what `folio books convert` makes of it"
        )
        return BookFile(path, observed_at, UNRECOGNISED, unreadable=why, account=account)
    try:
        body = path.read_bytes()
    except OSError as fault:
        why = f"{path.name}: {fault.strerror}"
        return BookFile(path, observed_at, UNRECOGNISED, unreadable=why, account=account)
    states_balances = False
    try:
        kind = kind_of(body)
    except PayloadError:
        dataset = UNRECOGNISED  # its load fails when it is parsed, and says why
    else:
        dataset = kind.dataset if isinstance(kind, type) else TransactionRow.dataset
        states_balances = not isinstance(kind, type) and kind.states_balances
    return BookFile(path, observed_at, dataset, body, account=account, states_balances=states_balances)


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        raise NightError(f"{text!r} is not an instant of the form YYYY-MM-DDTHHMMZ") from None


def _fetch(file: BookFile) -> Callable[[], Payload]:
    def fetch() -> Payload:
        if file.unreadable is not None:
            raise SourceError(file.unreadable)
        return Payload(file.body, file.observed_at, file.name)

    return fetch


def _parse(connection: psycopg.Connection[Any]) -> landing.Parse:
    """Parser of book files against what the warehouse knew when each was observed."""

    def parse(body: bytes, load: landing.Load) -> landing.Batch:
        if load.observed_at is None:
            raise PayloadError(f"load {load.load_id} has no observed_at")
        tomorrow = load.observed_at.date() + timedelta(days=1)  # east of UTC the day may have begun
        try:
            known = known_at(connection, load.observed_at)
            how = read_statements if load.dataset == StatementRow.dataset else read
            reading = how(body, known, latest=tomorrow, account=waiting.account_of(load.slot))
        except PayloadError as wrong:
            raise PayloadError(f"{load.request}: {wrong}") from None

        def register(open_connection: psycopg.Connection[Any], landed: landing.Load) -> None:
            identity.register(open_connection, reading.identities, landed.load_id)

        return landing.Batch(
            reading.row.table,
            rows=[
                *((*accepted.values, accepted.line) for accepted in reading.accepted),
                *(
                    corrections.taken_back(connection, reading, load.observed_at)
                    if reading.row is TransactionRow
                    else ()
                ),
            ],
            rejected=[landing.Rejected(r.line, r.reason, r.content, r.waits_for) for r in reading.rejected],
            also=register,
        )

    return parse
