"""Landing: one attempt at one slot, from the payload to versions in `raw`, whole or not at all.

Every load goes through `take_in`: the attempt is written down as `running`, the payload is fetched and
kept, and then one transaction stages the parsed rows, checks them, appends the versions that are new and
sets the load `loaded`. A process killed anywhere leaves either nothing or a `running` row, which the next
attempt at the slot takes over under the same load_id.
"""

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from folio.errors import FolioError, LoadError
from folio.sources import payloads
from folio.sources.payloads import Payload
from folio.sources.tables import TABLES, RawTable

log = logging.getLogger(__name__)

LOAD_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "loads.folio")
STAGED = "staged_rows"
"""Temporary table of the batch: key and value columns of the raw table, `line`, and where the batch is
dated `observed_at`."""

LATE = "late_rows"
"""Temporary table of the keys that a payload of the past brought, each with the first instant it names."""

COPY_BYTES = 1 << 20
COPY_ROWS = 20_000
"""Rows of ready text sent at a time."""

Connection: TypeAlias = psycopg.Connection[Any]
Status: TypeAlias = Literal["running", "loaded", "held", "failed", "superseded"]
Basis: TypeAlias = Literal["observed", "assumed"]


@dataclass(frozen=True)
class Load:
    """One row of raw.loads; `repeated` tells that this call found the slot settled and did nothing."""

    load_id: uuid.UUID
    source: str
    dataset: str
    slot: str
    attempt: int
    night: str | None
    request: str
    status: Status
    payload_sha256: str | None
    payload_bytes: int | None
    observed_at: datetime | None
    known_basis: Basis
    rows_seen: int
    rows_new: int
    rows_changed: int
    rows_same: int
    rows_rejected: int
    reason: str | None
    repeated: bool = False

    def __str__(self) -> str:
        """One line for task logs: what was asked, how it ended, the counts or the reason."""
        what = f"{self.source}/{self.dataset} {self.slot}: {self.status}"
        if self.status == "loaded":
            what += (
                f", {self.rows_seen} seen = {self.rows_new} new + {self.rows_changed} changed"
                f" + {self.rows_same} same + {self.rows_rejected} rejected"
            )
        if self.repeated:
            what += " (already)"
        return f"{what}; {self.reason}" if self.reason else what

    def summary(self) -> dict[str, Any]:
        """The load as JSON-ready values, for task logs and `--json`."""
        return {
            name: str(value) if isinstance(value, uuid.UUID | datetime) else value
            for name, value in vars(self).items()
        }


COLUMNS = tuple(name for name in Load.__dataclass_fields__ if name != "repeated")
SELECT_LOAD = sql.SQL("select {} from raw.loads ").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))


@dataclass(frozen=True)
class Ask:
    """What is asked for: a slot of a dataset of a source, for a night (none in a backfill).

    `request` says in words or as a redacted URL what will be fetched; `known_basis` is `assumed` for
    history without a record of when it was first seen.
    """

    source: str
    dataset: str
    slot: str
    night: str | None
    request: str
    known_basis: Basis = "observed"


@dataclass(frozen=True)
class Rejected:
    """A line of a payload that cannot be taken in; line counts from 1.

    `waits_for` is what it names that is not known yet, as `kind name`, where it can land once it is.
    """

    line: int
    reason: str
    content: str
    waits_for: str | None = None


@dataclass(frozen=True)
class TextColumns:
    """Rows as parallel columns of text fit for COPY as it is: no tab or newline, null as backslash N."""

    columns: Sequence[Sequence[str]]


@dataclass(frozen=True)
class TextBlocks:
    """Rows as blocks of columns, made while they are copied, so that a million rows are never in memory."""

    blocks: Iterable[TextColumns]


@dataclass(frozen=True)
class Batch:
    """What a parser made of a payload.

    `rows` are tuples in the order of the table's key and value columns, then the line; or objects with
    attributes of those names. In a `dated` batch the instant at which each row was observed comes last, and
    a key may come once for every instant; else all rows were observed with the load. `rejected` is read
    after the rows. `also` runs in the landing's transaction, after the rows.
    """

    table: str
    rows: "Rows"
    rejected: Sequence[Rejected] = ()
    dated: bool = False
    also: Callable[[Connection, Load], None] | None = field(default=None, compare=False)


Rows: TypeAlias = Iterable[Any] | TextColumns | TextBlocks
Fetch: TypeAlias = Callable[[], Payload]
Parse: TypeAlias = Callable[[bytes, Load], Batch]
Parsers: TypeAlias = Mapping[tuple[str, str], Parse]
"""Parser of each (source, dataset): a payload of the past may need those of others that feed its table."""

Check: TypeAlias = Callable[[Connection, Load, RawTable, int], str | None]
"""Check of the staged batch before it lands: (connection, load, table, rejected lines) -> why to hold it.

None lets it land. It reads the temporary table STAGED and writes its findings to ops.check_results in the
same transaction.
"""


NO_PARSERS: Parsers = MappingProxyType({})


def load_id(source: str, dataset: str, slot: str, attempt: int) -> uuid.UUID:
    """Id of an attempt at a slot, the same wherever it is made again."""
    return uuid.uuid5(LOAD_NAMESPACE, f"load:{source}|{dataset}|{slot}|{attempt}")


def take_in(
    connection: Connection,
    ask: Ask,
    fetch: Fetch,
    parse: Parse,
    *,
    folder: Path,
    check: Check | None = None,
    refetch: bool = False,
    others: Parsers = NO_PARSERS,
) -> Load:
    """Take in one slot: fetch, keep the payload, parse, check, append versions; gives the load as it ended.

    A slot that is loaded or held is left alone unless `refetch`. Whatever the source does wrong ends in a
    `failed` load with its reason, not in an exception. Commits on the connection, which must have no open
    transaction.

    Parameters
    ----------
    folder : the payload store.
    fetch : gives the payload; raises SourceError, with a `payload` attribute where there is one to keep.
    parse : makes a batch of the payload's bytes; raises PayloadError where they are not the format.
    others : parsers of other datasets that feed the same raw table, needed where this payload is older than
        one of theirs.
    """
    with _slot_lock(connection, ask):
        load, settled = _start(connection, ask, refetch=refetch)
        if settled:
            return replace(load, repeated=True)
        body: bytes | None = None
        try:
            if load.payload_sha256 is None:  # else: taken over after a crash, with its payload already kept
                payload = fetch()
                load, body = keep(connection, load, payload, folder), payload.body
            else:
                body = payloads.read(folder, load.payload_sha256)
            return _land_checked(connection, load, body, {**others, _dataset(ask): parse}, check, folder)
        except (FolioError, psycopg.DataError, psycopg.IntegrityError) as fault:
            connection.rollback()
            unusable = getattr(fault, "payload", None)
            if body is None and isinstance(unusable, Payload):
                load = keep(connection, load, unusable, folder)
            return _finish(connection, load, "failed", _one_line(fault))


def accept(
    connection: Connection, held: uuid.UUID, parse: Parse, *, folder: Path, others: Parsers = NO_PARSERS
) -> Load:
    """Land the kept payload of a held load without its check.

    Raises
    ------
    LoadError
        There is no such load, it is not held, or another attempt at its slot is loaded.
    """
    load = find(connection, held)
    connection.rollback()
    ask = Ask(load.source, load.dataset, load.slot, load.night, load.request, load.known_basis)
    with _slot_lock(connection, ask):
        load = find(connection, held)
        if load.status != "held":
            raise LoadError(f"load {held} is {load.status}, not held: there is nothing to accept")
        if _loaded(connection, ask):
            raise LoadError(f"{_slot_name(ask)} was loaded by another attempt: there is nothing to accept")
        if load.payload_sha256 is None:
            raise LoadError(f"load {held} has no payload")
        body = payloads.read(folder, load.payload_sha256)
        told = replace(load, reason=f"accepted; held for: {load.reason}")
        return _land_checked(connection, told, body, {**others, _dataset(ask): parse}, None, folder)


def find(connection: Connection, wanted: uuid.UUID) -> Load:
    """One load by id; LoadError where there is none."""
    with connection.cursor(row_factory=class_row(Load)) as cursor:
        load = cursor.execute(SELECT_LOAD + sql.SQL("where load_id = %s"), (wanted,)).fetchone()
    if load is None:
        raise LoadError(f"there is no load {wanted}; see `folio loads list`")
    return load


def land(
    connection: Connection, *, load: Load, table: str, rows: Rows, rejected: Iterable[Rejected] = ()
) -> Load:
    """Append the versions among `rows` to a raw table, in the open transaction, and set the load `loaded`.

    A row is appended where its values differ from the version of its key known at the row's own
    observed_at. A key that comes twice in one batch counts once: the later line is `same` when it says the
    same and is rejected, naming both lines, when it does not.

    Parameters
    ----------
    load : a running load that has observed_at and its payload.
    table : name of a declaration in TABLES.
    rows, rejected : as in Batch.

    Returns
    -------
    Load
        Status loaded, with counts: seen = new + changed + same + rejected.
    """
    declared = TABLES[table]
    batch = Batch(table, rows, list(rejected))
    _stage(connection, declared, batch)
    return _append(connection, load, declared, batch)


# ---- attempts ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _slot_lock(connection: Connection, ask: Ask) -> Iterator[None]:
    """Hold the advisory lock of a slot for this session, so that one process at a time attempts it."""
    name = f"load:{ask.source}|{ask.dataset}|{ask.slot}"
    connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (name,))
    connection.commit()
    try:
        yield
    finally:
        if not connection.closed:
            with contextlib.suppress(psycopg.OperationalError):  # a lost session has lost its locks too
                connection.rollback()
                connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (name,))
                connection.commit()


def _start(connection: Connection, ask: Ask, *, refetch: bool) -> tuple[Load, bool]:
    """The attempt to work on, and whether the slot is settled so that there is nothing to do."""
    loaded = _loaded(connection, ask)
    with connection.cursor(row_factory=class_row(Load)) as cursor:
        last = cursor.execute(
            SELECT_LOAD
            + sql.SQL("where (source, dataset, slot) = (%s, %s, %s) order by attempt desc limit 1"),
            (ask.source, ask.dataset, ask.slot),
        ).fetchone()
        if not refetch and loaded is not None:
            connection.rollback()
            return loaded, True
        if not refetch and last is not None and last.status == "held":
            connection.rollback()
            return last, True
        if last is not None and last.status == "running":  # we hold the lock: its process is gone
            cursor.execute(
                "update raw.loads set started_at = clock_timestamp(), night = %s where load_id = %s",
                (ask.night, last.load_id),
            )
            connection.commit()
            log.warning("taking over attempt %s at %s", last.attempt, _slot_name(ask))
            return replace(last, night=ask.night), False
        attempt = 1 if last is None else last.attempt + 1
        identity = load_id(ask.source, ask.dataset, ask.slot, attempt)
        cursor.execute(
            "insert into raw.loads (load_id, source, dataset, slot, attempt, night, request, status,"
            " known_basis) values (%s, %s, %s, %s, %s, %s, %s, 'running', %s)",
            (identity, ask.source, ask.dataset, ask.slot, attempt, ask.night, ask.request, ask.known_basis),
        )
    load = find(connection, identity)
    connection.commit()
    return load, False


def _loaded(connection: Connection, ask: Ask) -> Load | None:
    """The loaded attempt at a slot, where there is one."""
    with connection.cursor(row_factory=class_row(Load)) as cursor:
        return cursor.execute(
            SELECT_LOAD + sql.SQL("where (source, dataset, slot) = (%s, %s, %s) and status = 'loaded'"),
            (ask.source, ask.dataset, ask.slot),
        ).fetchone()


def keep(connection: Connection, load: Load, payload: Payload, folder: Path) -> Load:
    """Store a payload and note it on its running load, so that a crash from here on needs no second fetch."""
    sha256 = payloads.store(folder, payload.body)
    connection.execute(
        "update raw.loads set payload_sha256 = %s, payload_bytes = %s, observed_at = %s where load_id = %s",
        (sha256, len(payload.body), payload.observed_at, load.load_id),
    )
    connection.commit()
    return replace(
        load, payload_sha256=sha256, payload_bytes=len(payload.body), observed_at=payload.observed_at
    )


def _finish(connection: Connection, load: Load, status: Status, reason: str | None) -> Load:
    """Close an attempt that lands nothing, and commit."""
    connection.execute(
        "update raw.loads set status = %s, reason = %s, finished_at = clock_timestamp() where load_id = %s",
        (status, reason, load.load_id),
    )
    connection.commit()
    log.warning("%s %s %s is %s: %s", load.source, load.dataset, load.slot, status, reason)
    return replace(load, status=status, reason=reason)


def _land_checked(
    connection: Connection, load: Load, body: bytes, parsers: Parsers, check: Check | None, folder: Path
) -> Load:
    """Parse, stage, check and append in one transaction; gives the load as loaded or held."""
    batch = parsers[_dataset(load)](body, load)
    table = TABLES[batch.table]
    _stage(connection, table, batch)
    reason = check(connection, load, table, len(batch.rejected)) if check else None
    if reason is not None:
        return _finish(connection, load, "held", reason)
    landed = _append(connection, load, table, batch)
    if batch.also:
        batch.also(connection, landed)
    if landed.known_basis == "observed" and landed.rows_changed + landed.rows_new:
        _settle_later(connection, landed, table, batch.dated, parsers, folder)
    connection.commit()
    return landed


def _settle_later(
    connection: Connection, landed: Load, table: RawTable, dated: bool, parsers: Parsers, folder: Path
) -> None:
    """After a payload of the past: append again what later payloads said and what was left out as `same`.

    A later row that equalled the version before it was not stored; with a version now standing between the
    two it must be, or the late payload would overrule it. Its payload is kept, so it is read again. Later
    loads keep the counts of their landing. See docs/decisions/0007-two-clocks.md.
    """
    later = _later_loads(connection, landed, table, dated)
    if not later:
        return
    connection.execute(
        sql.SQL(
            "create temporary table {late} on commit drop as"
            " select {key}, {since} as since from pg_temp.{staged} as b group by {key}"
        ).format(
            late=sql.Identifier(LATE),
            key=_names(table.key),
            since=sql.SQL("min(b.observed_at)") if dated else sql.SQL("%(observed_at)s::timestamptz"),
            staged=sql.Identifier(STAGED),
        ),
        {"observed_at": landed.observed_at},
    )
    connection.execute(sql.SQL("analyze pg_temp.{}").format(sql.Identifier(LATE)))
    # Rows of a dated batch lie between those of other loads, so one that is appended again may be overruled
    # and may overrule in its turn: until a round appends nothing, which it must, as rows only come once.
    again = True
    while again:
        appended, any_dated = 0, dated
        for load in [*later, landed] if dated else later:
            parse = parsers.get(_dataset(load))
            if parse is None or load.payload_sha256 is None:
                raise LoadError(
                    f"{landed.source}/{landed.dataset} {landed.slot} is older than"
                    f" {load.source}/{load.dataset} {load.slot}, which must be read again"
                    " and has no parser here"
                )
            batch = parse(payloads.read(folder, load.payload_sha256), load)
            _stage(connection, table, batch)
            _keep_late(connection, landed, load, table, batch.dated)
            _drop_twins(connection, load, table, batch.dated)
            counts = _append_compared(connection, load, table, batch.dated, any_known=True, by_load=True)
            appended += counts.get("new", 0) + counts.get("changed", 0)
            any_dated = any_dated or batch.dated
        again = any_dated and appended > 0


def _later_loads(connection: Connection, landed: Load, table: RawTable, dated: bool) -> list[Load]:
    """Loads that landed in the same table and were observed after the first row of this one.

    A load that a refetch replaced counts too: what it saw was so. Assumed history does not: it gives way to
    what was observed where it is appended.
    """
    since = landed.observed_at
    if dated:
        row = connection.execute(
            sql.SQL("select min(observed_at) from pg_temp.{}").format(sql.Identifier(STAGED))
        ).fetchone()
        since = row[0] if row else None
    with connection.cursor(row_factory=class_row(Load)) as cursor:
        return cursor.execute(
            SELECT_LOAD
            + sql.SQL(
                "where raw_table = %s and rows_seen > 0 and known_basis = 'observed'"
                " and (observed_at, load_id) > (%s, %s) and load_id <> %s order by observed_at, load_id"
            ),
            (table.name, since, uuid.UUID(int=0) if dated else landed.load_id, landed.load_id),
        ).fetchall()


def _keep_late(connection: Connection, landed: Load, load: Load, table: RawTable, dated: bool) -> None:
    """Leave in the staged rows of a later load only those that come after a late row of their key."""
    connection.execute(
        sql.SQL(
            "delete from pg_temp.{staged} as b where not exists (select from pg_temp.{late} as l"
            " where {same_key} and ({at}, %(load)s::uuid) >= (l.since, %(landed)s::uuid))"
        ).format(
            staged=sql.Identifier(STAGED),
            late=sql.Identifier(LATE),
            same_key=_same(table.key, "l", "b"),
            at=sql.SQL("b.observed_at") if dated else sql.SQL("%(observed_at)s::timestamptz"),
        ),
        {"load": load.load_id, "landed": landed.load_id, "observed_at": load.observed_at},
    )


# ---- versions ----------------------------------------------------------------------------------------------


def _stage(connection: Connection, table: RawTable, batch: Batch) -> None:
    """Put the batch into the temporary table, which lives as long as the transaction."""
    names = [*table.columns, "line", *(("observed_at",) if batch.dated else ())]
    identifiers = sql.SQL(", ").join(map(sql.Identifier, names))
    connection.execute(
        sql.SQL(
            "drop table if exists pg_temp.{staged};"
            " create temporary table {staged} on commit drop as select {names} from {target} with no data"
        ).format(staged=sql.Identifier(STAGED), names=identifiers, target=sql.Identifier("raw", table.name))
    )
    copy_in = sql.SQL("copy pg_temp.{} ({}) from stdin").format(sql.Identifier(STAGED), identifiers)
    with connection.cursor().copy(copy_in) as copy:
        for block in _blocks(batch.rows, names):
            copy.write(block)


def _blocks(rows: Rows, names: Sequence[str]) -> Iterator[str]:
    """Rows as COPY text, in blocks of some megabytes at most."""
    if isinstance(rows, TextColumns):
        yield from _ready(rows)
    elif isinstance(rows, TextBlocks):
        for block in rows.blocks:
            yield from _ready(block)
    else:
        yield from _written(rows, names)


def _ready(text: TextColumns) -> Iterator[str]:
    """Columns of ready text as COPY text."""
    rows = zip(*text.columns, strict=True)
    while block := list(islice(rows, COPY_ROWS)):
        yield "\n".join(map("\t".join, block)) + "\n"


def _written(rows: Iterable[Any], names: Sequence[str]) -> Iterator[str]:
    """Rows of values as COPY text, in blocks of about COPY_BYTES."""
    lines: list[str] = []
    size = 0
    for row in rows:
        cells = row if isinstance(row, tuple) else tuple(getattr(row, name) for name in names)
        if len(cells) != len(names):
            raise LoadError(f"a row has {len(cells)} cells where {', '.join(names)} are wanted: {cells!r}")
        line = "\t".join(map(_cell, cells))
        lines.append(line)
        size += len(line)
        if size >= COPY_BYTES:
            yield "\n".join(lines) + "\n"
            lines, size = [], 0
    if lines:
        yield "\n".join(lines) + "\n"


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": "\ufffd"})


def _cell(value: object) -> str:
    """One value as COPY text; null is backslash N."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, int | Decimal | uuid.UUID):
        return str(value)
    raise LoadError(f"a value of type {type(value).__name__} has no exact text: {value!r}")


def _append(connection: Connection, load: Load, table: RawTable, batch: Batch) -> Load:
    """Append the staged versions and the rejected lines, and set the load `loaded` with its counts."""
    if load.observed_at is None or load.payload_sha256 is None:
        raise LoadError(f"load {load.load_id} has no payload: it cannot land")
    staged = connection.execute(
        sql.SQL("select count(*) from pg_temp.{}").format(sql.Identifier(STAGED))
    ).fetchone()
    rejected = list(batch.rejected)
    seen = (staged[0] if staged else 0) + len(rejected)
    counts, twins, contradictions = _append_versions(connection, load, table, batch.dated)
    rejected += contradictions
    _write_rejected(connection, load, rejected)
    landed = replace(
        load,
        status="loaded",
        rows_seen=seen,
        rows_new=counts.get("new", 0),
        rows_changed=counts.get("changed", 0),
        rows_same=counts.get("same", 0) + twins,
        rows_rejected=len(rejected),
    )
    if seen != landed.rows_new + landed.rows_changed + landed.rows_same + landed.rows_rejected:
        raise LoadError(f"load {load.load_id}: the counts do not add up to the {seen} rows seen")
    # An attempt that replaces a loaded one (a refetch) takes its place; its versions stay.
    connection.execute(
        "update raw.loads set status = 'superseded', reason = %s"
        " where (source, dataset, slot) = (%s, %s, %s) and status = 'loaded' and load_id <> %s",
        (f"replaced by attempt {load.attempt}", load.source, load.dataset, load.slot, load.load_id),
    )
    connection.execute(
        "update raw.loads set status = 'loaded', rows_seen = %s, rows_new = %s, rows_changed = %s,"
        " rows_same = %s, rows_rejected = %s, reason = %s, raw_table = %s, finished_at = clock_timestamp()"
        " where load_id = %s",
        (
            landed.rows_seen,
            landed.rows_new,
            landed.rows_changed,
            landed.rows_same,
            landed.rows_rejected,
            landed.reason,
            table.name,
            landed.load_id,
        ),
    )
    return landed


def _append_versions(
    connection: Connection, load: Load, table: RawTable, dated: bool
) -> tuple[dict[str, int], int, list[Rejected]]:
    """Append the staged rows that differ from the version known at their instant.

    Gives the rows by outcome, how many lines were twins, and those that contradict another line. Loads of
    one table take turns here, since each compares with what the others appended; stretches of assumed
    history hold different days and need not wait for each other.
    """
    connection.execute(
        "select pg_advisory_xact_lock{}(hashtextextended(%s, 1))".format(
            "" if load.known_basis == "observed" else "_shared"
        ),
        (f"raw.{table.name}",),
    )
    any_known = _any_known(connection, table)
    if not any_known:
        with contextlib.suppress(psycopg.errors.UniqueViolation), connection.transaction():
            if dated:
                return _append_compared(connection, load, table, dated, any_known=False), 0, []
            return {"new": _append_all(connection, load, table)}, 0, []
        # a key comes twice: the careful way
    twins, contradictions = _drop_twins(connection, load, table, dated)
    return _append_compared(connection, load, table, dated, any_known=any_known), twins, contradictions


def _append_all(connection: Connection, load: Load, table: RawTable) -> int:
    """Append every staged row, where raw holds nothing to compare with: a first load, new days of history."""
    return connection.execute(
        sql.SQL(
            "insert into {target} ({columns}, line, observed_at, known_basis, load_id)"
            " select {columns}, line, {observed_at}, {known_basis}, %(load_id)s from pg_temp.{staged} as b"
        ).format(
            target=sql.Identifier("raw", table.name),
            columns=_names(table.columns),
            staged=sql.Identifier(STAGED),
            observed_at=sql.SQL("%(observed_at)s::timestamptz")
            if load.known_basis == "observed" or table.assumed_from is None
            else sql.SQL(table.assumed_from),
            known_basis=sql.SQL("%(known_basis)s::text"),
        ),
        {"load_id": load.load_id, "observed_at": load.observed_at, "known_basis": load.known_basis},
    ).rowcount


def _append_compared(
    connection: Connection,
    load: Load,
    table: RawTable,
    dated: bool,
    *,
    any_known: bool,
    by_load: bool = False,
) -> dict[str, int]:
    """Append the staged rows that differ from the version known at their instant; rows by outcome.

    Known is the last version observed up to that instant, in raw or, in a dated batch, further up in it.
    `by_load` counts versions of the very instant only up to this load's own, as readers order them: a row
    that is stored already is then found to be the same.
    """
    known = sql.SQL(
        """
        left join lateral (
            select true as is_known, v.observed_at, {values}
            from {target} as v
            where {same_key} and {up_to}
            order by v.observed_at desc, v.load_id desc
            limit 1
        ) as known on true
        """
        if any_known
        else " left join (select true as is_known, v.observed_at, {values} from {target} as v where false)"
        " as known on true"
    ).format(
        values=_names(table.values, "v"),
        target=sql.Identifier("raw", table.name),
        same_key=_same(table.key, "v", "p"),
        up_to=sql.SQL("(v.observed_at, v.load_id) <= (p.observed_at, %(load_id)s)")
        if by_load
        else sql.SQL("v.observed_at <= p.observed_at"),
    )
    above = sql.SQL(
        ", lag(b.observed_at) over by_instant as above_at, lag(row({values})) over by_instant as above"
        if dated
        else ", null::timestamptz as above_at, null::record as above"
    ).format(values=_names(table.values, "b"))
    query = sql.SQL(
        """
        with placed as materialized (
            select
                {staged_columns}, b.line, {observed_at} as observed_at, {known_basis} as known_basis {above}
            from pg_temp.{staged} as b
            {by_instant}
        ),
        compared as materialized (
            select
                p.*,
                case
                    when known.is_known is null and p.above_at is null then 'new'
                    when known.is_known is null or p.above_at > known.observed_at
                        then case when p.above is distinct from {staged_values} then 'changed' else 'same' end
                    when {known_values} is distinct from {staged_values} then 'changed'
                    else 'same'
                end as outcome
            from placed as p
            {known}
        ),
        appended as (
            insert into {target} ({columns}, line, observed_at, known_basis, load_id)
            select {columns}, line, observed_at, known_basis, %(load_id)s
            from compared
            where outcome <> 'same'
        )
        select outcome, count(*) from compared group by outcome
        """
    ).format(
        staged=sql.Identifier(STAGED),
        target=sql.Identifier("raw", table.name),
        columns=_names(table.columns),
        staged_columns=_names(table.columns, "b"),
        known=known,
        above=above,
        by_instant=sql.SQL("window by_instant as (partition by {} order by b.observed_at)").format(
            _names(table.key, "b")
        )
        if dated
        else sql.SQL(""),
        known_values=_names(table.values, "known", row=True),
        staged_values=_names(table.values, "p", row=True),
        observed_at=sql.SQL("b.observed_at") if dated else _observed_at(load, table),
        known_basis=_known_basis(load, table),
    )
    rows = connection.execute(
        query,
        {"load_id": load.load_id, "observed_at": load.observed_at, "known_basis": load.known_basis},
    ).fetchall()
    return dict(rows)


def _any_known(connection: Connection, table: RawTable) -> bool:
    """Whether raw holds a version between the least and the greatest staged value of the first key column."""
    row = connection.execute(
        sql.SQL(
            "select exists (select from {target} as v,"
            " (select min({first}) as least, max({first}) as most from pg_temp.{staged}) as b"
            " where v.{first} between b.least and b.most)"
        ).format(
            target=sql.Identifier("raw", table.name),
            first=sql.Identifier(table.key[0]),
            staged=sql.Identifier(STAGED),
        )
    ).fetchone()
    return row is not None and bool(row[0])


def _seen_before(table: RawTable) -> sql.Composed:
    """SQL: whether a version of the staged key was observed, not assumed."""
    return sql.SQL("exists (select from {} as o where {} and o.known_basis = 'observed')").format(
        sql.Identifier("raw", table.name), _same(table.key, "o", "b")
    )


def _observed_at(load: Load, table: RawTable) -> sql.Composable:
    """SQL of the instant from which a staged row counts."""
    if load.known_basis == "observed" or table.assumed_from is None:
        return sql.SQL("%(observed_at)s::timestamptz")
    # History tells nothing of when a value was first seen, so it may not overrule what was observed then;
    # where it differs from that, the difference is a fact of the day of the fetch.
    return sql.SQL("case when {} then %(observed_at)s::timestamptz else {} end").format(
        _seen_before(table),
        sql.SQL(table.assumed_from),
    )


def _known_basis(load: Load, table: RawTable) -> sql.Composable:
    """SQL of the basis on which a staged row's instant is known."""
    if load.known_basis == "observed" or table.assumed_from is None:
        return sql.SQL("%(known_basis)s::text")
    return sql.SQL("case when {} then 'observed' else %(known_basis)s end").format(_seen_before(table))


def _drop_twins(
    connection: Connection, load: Load, table: RawTable, dated: bool
) -> tuple[int, list[Rejected]]:
    """Leave the first staged row of a key (and instant); gives its twins and those that contradict it."""
    staged = sql.Identifier(STAGED)
    key = (*table.key, "observed_at") if dated else table.key
    repeated = connection.execute(
        sql.SQL("select 1 from pg_temp.{} group by {} having count(*) > 1 limit 1").format(
            staged, _names(key)
        )
    ).fetchone()
    if repeated is None:
        return 0, []
    rows = connection.execute(
        sql.SQL(
            """
            with firsts as materialized (
                select distinct on ({key}) b.*, ctid as place
                from pg_temp.{staged} as b
                order by {key}, line, ctid
            )
            delete from pg_temp.{staged} as b using firsts as f
            where {same_key} and b.ctid <> f.place
            returning ({values}) is not distinct from ({first_values}), b.line, f.line,
                concat_ws('; ', {labelled})
            """
        ).format(
            key=_names(key),
            staged=staged,
            same_key=_same(key, "b", "f"),
            values=_names(table.values, "b", row=True),
            first_values=_names(table.values, "f", row=True),
            labelled=_names(table.columns, "b"),
        )
    ).fetchall()
    contradictions = [
        Rejected(line, f"line {line} contradicts line {first}: the same key, another value", content)
        for equal, line, first, content in rows
        if not equal
    ]
    return len(rows) - len(contradictions), sorted(contradictions, key=lambda one: (one.line, one.content))


def _write_rejected(connection: Connection, load: Load, rejected: Sequence[Rejected]) -> None:
    """Keep the lines that could not be taken in; a reason that a line has twice is numbered."""
    if not rejected:
        return
    written: set[tuple[int, str]] = set()
    with connection.cursor().copy(
        "copy raw.rejected_rows (load_id, line, reason, content, waits_for) from stdin"
    ) as copy:
        for one in rejected:
            reason, occurrence = one.reason, 1
            while (one.line, reason) in written:
                occurrence += 1
                reason = f"{one.reason} ({occurrence})"
            written.add((one.line, reason))
            content = one.content.replace("\x00", "\ufffd")
            copy.write_row((load.load_id, one.line, reason, content, one.waits_for))


# ---- SQL and text ------------------------------------------------------------------------------------------


def _names(columns: Sequence[str], alias: str | None = None, *, row: bool = False) -> sql.Composed:
    """Columns as a list, qualified by an alias where given, as a row value where asked."""
    names = sql.SQL(", ").join(
        sql.Identifier(alias, column) if alias else sql.Identifier(column) for column in columns
    )
    return sql.SQL("row({})").format(names) if row else names


def _same(columns: Sequence[str], left: str, right: str) -> sql.Composed:
    """Equality of columns between two aliases."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, column), sql.Identifier(right, column))
        for column in columns
    )


def _dataset(of: Ask | Load) -> tuple[str, str]:
    """Source and dataset, by which parsers go."""
    return of.source, of.dataset


def _slot_name(ask: Ask) -> str:
    """A slot in messages."""
    return f"{ask.source}/{ask.dataset} {ask.slot}"


def _one_line(fault: BaseException) -> str:
    """Text of an error as one line of bounded length."""
    return " ".join(str(fault).split())[:1000]
