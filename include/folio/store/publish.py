"""Publication: built tables become versions in `history`; `marts` shows those now known."""

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast, get_args

import psycopg
from psycopg import sql

from folio.errors import PublicationError

log = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[Any, ...]]
Access = Literal["public", "staff", "investor_id", "household_id", "tax_unit_id", "portfolio_id"]

PACKAGE = Path(__file__).resolve().parents[1]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "folio:publications")
CHANNEL = "folio_publications"
STEP = timedelta(microseconds=1)
NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
LARGE = 10_000
"""Rows of one relation from which a first filling comes before its indexes, and the planner is told."""

VERSION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "publication_id": ("uuid not null", "Publication that opened this version."),
    "known_from": ("timestamptz not null", "Instant of the publication that opened this version."),
    "known_to": (
        "timestamptz check (known_to > known_from)",
        "Instant of the publication that closed it; null while it is served.",
    ),
}
READERS: Mapping[Access, sql.SQL] = {
    "public": sql.SQL("(select access.holds_key())"),
    "staff": sql.SQL("(select access.sees_all())"),
    "investor_id": sql.SQL(
        "(select access.sees_all()) or investor_id in (select access.visible_investors())"
    ),
    "household_id": sql.SQL(
        "(select access.sees_all()) or household_id in (select access.visible_households())"
    ),
    "tax_unit_id": sql.SQL(
        "(select access.sees_all()) or tax_unit_id in (select access.visible_tax_units())"
    ),
    "portfolio_id": sql.SQL(
        "(select access.sees_all()) or portfolio_id in (select access.visible_portfolios())"
    ),
}
DERIVED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "restatements.sql": (
        "to_regclass('marts.fct_restatements')",
        {
            "fct_holdings": "account_id portfolio_id instrument_id valuation_date units price_local "
            "price_date price_load_id price_line fx_to_portfolio value_portfolio",
            "fct_portfolio_values_daily": "portfolio_id valuation_date value_portfolio",
        },
    ),
    "holdings_on.sql": (
        "to_regproc('marts.holdings_on')",
        {
            "dim_accounts": "account_id account_currency",
            "dim_portfolios": "portfolio_id portfolio_currency",
            "dim_instruments": "instrument_id instrument_code local_currency",
            "fct_fx_rates_daily": "from_currency to_currency valuation_date rate days_carried",
            "fct_prices_daily": "instrument_id valuation_date price_local price_date price_load_id "
            "price_line local_currency quality",
            "fct_positions": "account_id portfolio_id instrument_id valid_from valid_to units "
            "price_cost_account",
            "fct_cash_balances": "account_id portfolio_id account_currency valid_from valid_to "
            "balance_account in_transit_account",
        },
    ),
}
"""What is made over history besides one view a mart: its file, how to find it, and the columns it reads."""


@dataclass(frozen=True)
class Column:
    """A column of a mart as its contract says it."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class Mart:
    """A relation that readers see: its contract in the dbt manifest."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    row_access: Access
    day: str | None

    @property
    def built(self) -> sql.Identifier:
        """The relation that dbt built."""
        return sql.Identifier("build", self.name)

    @property
    def history(self) -> sql.Identifier:
        """The table of its published versions."""
        return sql.Identifier("history", self.name)

    @property
    def view(self) -> sql.Identifier:
        """What readers see of it."""
        return sql.Identifier("marts", self.name)

    @property
    def comparable_day(self) -> str | None:
        """The day column where it is part of the key, so that old days can be left uncompared."""
        return self.day if self.day in self.key else None


@dataclass(frozen=True)
class Publication:
    """One complete night that readers see."""

    publication_id: uuid.UUID
    ordinal: int
    night: str
    instant: datetime
    valuation_date: date
    known_at: datetime
    rows_opened: int
    rows_closed: int
    changes: dict[str, dict[str, int]]
    published_at: datetime


@dataclass(frozen=True)
class _Scope:
    """Rows of a relation to compare: all from a day on, or those whose first key column has a value."""

    first_day: date | None = None
    keys: tuple[tuple[str, date | None], ...] = ()


def load_manifest(path: Path) -> dict[str, Any]:
    """Dbt's manifest of a path; PublicationError when it is not there or not JSON."""
    try:
        return cast(dict[str, Any], json.loads(path.read_text()))
    except FileNotFoundError:
        raise PublicationError(f"dbt has written no manifest at {path}: run its stages first.") from None
    except json.JSONDecodeError as error:
        raise PublicationError(f"{path} is no JSON ({error}): run the night's stages again.") from None


def marts(manifest: Mapping[str, Any]) -> list[Mart]:
    """Marts of a dbt manifest, by name; PublicationError when one's contract lacks what publishing needs."""
    found = []
    for node in manifest["nodes"].values():
        path = str(node.get("original_file_path") or node.get("path") or "")
        if node.get("resource_type", "model") == "model" and (
            "models/marts/" in path or path.startswith("marts/")
        ):
            found.append(_mart(node))
    if not found:
        raise PublicationError("The dbt manifest holds no models under models/marts: nothing to serve.")
    return sorted(found, key=lambda mart: mart.name)


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of the models, macros, seeds and Python that make figures."""
    digest = hashlib.sha256()
    for name, node in sorted(manifest.get("nodes", {}).items()):
        digest.update(f"{name}:{node.get('checksum', {}).get('checksum', '')}\n".encode())
    for name, macro in sorted(manifest.get("macros", {}).items()):
        digest.update(f"{name}:{macro.get('macro_sql', '')}\n".encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(f"{path.relative_to(PACKAGE)}:".encode() + path.read_bytes())
    return digest.hexdigest()


def provision(connection: Connection, manifest: Mapping[str, Any]) -> None:
    """Make or extend what `publish` writes and readers see, in the open transaction.

    Tables of versions in `history` with row-level security, and views on the versions now known in `marts`.
    Nothing is ever dropped; what is already right is left alone, so readers are not blocked.

    Raises
    ------
    PublicationError
        A column changed its type or vanished, or a contract lacks its key, access or types.
    """
    wanted = marts(manifest)
    _lock(connection)
    types = _canonical_types(connection, {column.data_type for mart in wanted for column in mart.columns})
    present = _present(connection)
    for mart in wanted:
        columns = present.get(("history", mart.name))
        if columns is None:
            _create_history(connection, mart)
        else:
            _extend_history(connection, mart, columns, types)
        _secure(connection, mart)
    present = _present(connection)
    for mart in wanted:
        _create_view(connection, mart, present)
    _describe(connection, wanted)
    _create_derived(connection, wanted)


def publish(connection: Connection, manifest: Mapping[str, Any], night: str) -> Publication | None:
    """Make a built night the one that readers see, whole or not at all.

    For each relation in `build.touched` the keys it names are compared with what is served: changed and
    vanished versions are closed, new ones opened. `key` is the value, as text, of the relation's first key
    column (null: every key); `first_day` leaves earlier days out where the mart's day is part of its key.
    A relation that is not touched is not compared.

    Returns
    -------
    Publication or None
        None when nothing had changed. `build.touched` is empty afterwards either way; when this fails
        it stays, and readers keep the last publication.

    Raises
    ------
    PublicationError
        A later night is published already, the built night is another one, or a built table is absent,
        repeats a key or lacks one.
    """
    by_name = {mart.name: mart for mart in marts(manifest)}
    with connection.transaction():
        _lock(connection)
        opened_night = connection.execute(
            """
            select nights.instant, nights.valuation_date, nights.known_at
            from ops.nights inner join ops.night on nights.night = night.night where nights.night = %s
            """,
            [night],
        ).fetchone()
        if opened_night is None:
            raise PublicationError(f"Night {night} is not the one that was built: run its stages first.")
        night_instant, valuation_date, known_at = opened_night
        last = last_publication(connection)
        if last is not None and last.night > night:
            raise PublicationError(f"Night {night} is older than {last.night}, which is published.")
        ordinal = last.ordinal + 1 if last else 1
        instant = max(night_instant, last.instant + STEP) if last else night_instant
        publication_id = uuid.uuid5(NAMESPACE, f"{night}:{ordinal}")

        changes: dict[str, dict[str, int]] = {}
        for relation, scopes in _touched(connection, by_name).items():
            opened, closed = _compare(connection, by_name[relation], scopes, publication_id, instant)
            if opened or closed:
                changes[relation] = {"opened": opened, "closed": closed}
        connection.execute("delete from build.touched")
        if not changes:
            log.info("night %s changes nothing that is served", night)
            return None
        row = connection.execute(
            """
            insert into history.publications (
                publication_id, ordinal, night, instant, valuation_date, known_at,
                rows_opened, rows_closed, changes, code_sha256
            ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning published_at
            """,
            [
                publication_id,
                ordinal,
                night,
                instant,
                valuation_date,
                known_at,
                sum(change["opened"] for change in changes.values()),
                sum(change["closed"] for change in changes.values()),
                json.dumps(changes),
                fingerprint(manifest),
            ],
        ).fetchone()
        assert row is not None
        connection.execute("select pg_notify(%s, %s)", [CHANNEL, str(publication_id)])
        published = last_publication(connection)
    log.info("publication %s of night %s: %s", ordinal, night, changes)
    return published


def publications(connection: Connection, limit: int | None = None) -> list[Publication]:
    """Publications, the newest first."""
    rows = connection.execute(
        """
        select publication_id, ordinal, night, instant, valuation_date, known_at,
               rows_opened, rows_closed, changes, published_at
        from history.publications order by ordinal desc limit %s
        """,
        [limit],
    ).fetchall()
    return [Publication(*row) for row in rows]


def last_publication(connection: Connection) -> Publication | None:
    """The publication that readers see, or None before the first."""
    return next(iter(publications(connection, limit=1)), None)


# the contract


def _mart(node: Mapping[str, Any]) -> Mart:
    name = node["name"]
    meta = {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
    columns = tuple(
        Column(column["name"], column.get("data_type") or "", column.get("description") or "")
        for column in node["columns"].values()
    )
    names = {column.name for column in columns}
    key = tuple(meta.get("key") or ())
    faults = [
        *(f"{word!r} is no name" for word in (name, *names) if not NAME.fullmatch(word)),
        *(f"column {column.name} has no data_type" for column in columns if not column.data_type),
        *(f"column {word} belongs to publishing" for word in names & VERSION_COLUMNS.keys()),
        *(f"key column {word} is not among its columns" for word in key if word not in names),
    ]
    if not key:
        faults.append("meta.key is missing")
    access = cast(Access, meta.get("row_access"))
    if access not in get_args(Access):
        faults.append(f"meta.row_access is {access!r}, not one of {', '.join(get_args(Access))}")
    elif access not in {"public", "staff"} and access not in names:
        faults.append(f"meta.row_access names {access}, which is not among its columns")
    if meta.get("day") is not None and meta["day"] not in names:
        faults.append(f"meta.day names {meta['day']}, which is not among its columns")
    if faults:
        raise PublicationError(f"Mart {name} cannot be published: {'; '.join(faults)}. Mend its YAML.")
    return Mart(name, node.get("description") or "", columns, key, access, meta.get("day"))


# what is there


def _lock(connection: Connection) -> None:
    connection.execute("select pg_advisory_xact_lock(hashtext('folio.publish'))")


def _canonical_types(connection: Connection, data_types: Iterable[str]) -> dict[str, str]:
    """Types as PostgreSQL prints them, by the contract's spelling."""
    rows = connection.execute(
        """
        select spelling, format_type(to_regtype(spelling), to_regtypemod(spelling))
        from unnest(%s::text[]) as spellings (spelling)
        """,
        [sorted(data_types)],
    ).fetchall()
    unknown = sorted(spelling for spelling, canonical in rows if canonical in {None, "-"})
    if unknown:
        raise PublicationError(f"The contracts name unknown data types: {', '.join(unknown)}.")
    return dict(rows)


def _present(connection: Connection) -> dict[tuple[str, str], dict[str, str]]:
    """Type of each column in order, by schema and relation."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, relation, column, data_type in connection.execute(
        """
        select pg_namespace.nspname, pg_class.relname, pg_attribute.attname,
               format_type(pg_attribute.atttypid, pg_attribute.atttypmod)
        from pg_attribute
        inner join pg_class on pg_class.oid = pg_attribute.attrelid
        inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
        where pg_namespace.nspname in ('history', 'marts') and pg_class.relkind in ('r', 'v', 'p')
              and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        order by pg_class.oid, pg_attribute.attnum
        """
    ):
        found.setdefault((schema, relation), {})[column] = data_type
    return found


def _names(columns: Iterable[str], prefix: str = "") -> sql.Composed:
    parts = ((prefix, column) if prefix else (column,) for column in columns)
    return sql.SQL(", ").join(sql.Identifier(*part) for part in parts)


def _create_history(connection: Connection, mart: Mart) -> None:
    columns = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.data_type),  # PostgreSQL has recognised it as a type
            sql.SQL(" not null" if column.name in mart.key else ""),
        )
        for column in mart.columns
    ]
    columns += [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(definition))
        for name, (definition, _) in VERSION_COLUMNS.items()
    ]
    connection.execute(sql.SQL("create table {} ({})").format(mart.history, sql.SQL(", ").join(columns)))
    _create_indexes(connection, mart)


def _indexes(mart: Mart) -> list[tuple[str, Sequence[str], str]]:
    """Indexes of a table of versions besides its key: the end of the name, columns, and of which rows."""
    found: list[tuple[str, Sequence[str], str]] = [("served", mart.key, "known_to is null")]
    if mart.comparable_day and mart.key[0] != mart.comparable_day:
        found.append(("by_day", [mart.comparable_day], "known_to is null"))
    by_access = [mart.row_access] if mart.row_access not in {"public", "staff"} else []
    if by_access and mart.key[0] != mart.row_access:
        found.append(("by_access", [*by_access, *([mart.day] if mart.day else [])], "known_to is null"))
    found.append(("closed", ["known_to", *by_access], "known_to is not null"))
    return found


def _create_indexes(connection: Connection, mart: Mart) -> None:
    connection.execute(
        sql.SQL("alter table {} add primary key ({}, known_from)").format(mart.history, _names(mart.key))
    )
    for suffix, columns, where in _indexes(mart):
        connection.execute(
            sql.SQL("create {} {} on {} ({}) where {}").format(
                sql.SQL("unique index" if suffix == "served" else "index"),
                sql.Identifier(f"{mart.name}_{suffix}"),
                mart.history,
                _names(columns),
                sql.SQL(where),
            )
        )


def _drop_indexes(connection: Connection, mart: Mart) -> None:
    connection.execute(
        sql.SQL("alter table {} drop constraint {}").format(mart.history, sql.Identifier(f"{mart.name}_pkey"))
    )
    for suffix, *_ in _indexes(mart):
        connection.execute(
            sql.SQL("drop index if exists {}").format(sql.Identifier("history", f"{mart.name}_{suffix}"))
        )


def _extend_history(
    connection: Connection, mart: Mart, present: Mapping[str, str], types: Mapping[str, str]
) -> None:
    wanted = {column.name: types[column.data_type] for column in mart.columns}
    vanished = [name for name in present if name not in wanted and name not in VERSION_COLUMNS]
    if vanished:
        raise PublicationError(
            f"Mart {mart.name} no longer has {', '.join(vanished)}, which history keeps. Keep the column "
            "in the model (null where it has no meaning any more), or drop it from history by a migration."
        )
    changed = [name for name, data_type in wanted.items() if present.get(name, data_type) != data_type]
    if changed:
        told = ", ".join(f"{name} from {present[name]} to {wanted[name]}" for name in changed)
        raise PublicationError(
            f"Mart {mart.name} changes the type of {told}. Give the new meaning a new column, or alter the "
            "column in history by a migration."
        )
    served = connection.execute(
        """
        select array_agg(attname::text order by attnum) from pg_attribute
        inner join pg_index on pg_index.indexrelid = pg_attribute.attrelid
        where pg_index.indrelid = to_regclass(%s) and pg_index.indisprimary
        """,
        [f"history.{mart.name}"],
    ).fetchone()
    if served and served[0] and tuple(served[0]) != (*mart.key, "known_from"):
        raise PublicationError(
            f"Mart {mart.name} changes its key from {', '.join(served[0][:-1])} to {', '.join(mart.key)}. "
            "Give the new grain a mart of its own, or rename the table in history by a migration."
        )
    for column in mart.columns:
        if column.name not in present:
            connection.execute(
                sql.SQL("alter table {} add column {} {}").format(
                    mart.history,
                    sql.Identifier(column.name),
                    sql.SQL(column.data_type),
                )
            )


def _secure(connection: Connection, mart: Mart) -> None:
    """Row-level security, for the owner too, and the right to read."""
    table = f"history.{mart.name}"
    row = connection.execute(
        """
        select relrowsecurity and relforcerowsecurity, has_table_privilege('folio_reader', oid, 'select'),
               array(select polname::text from pg_policy where polrelid = pg_class.oid)
        from pg_class where oid = to_regclass(%s)
        """,
        [table],
    ).fetchone()
    assert row is not None
    is_forced, is_granted, policies = row
    readers = f"readers_by_{mart.row_access}"
    if set(policies) != {"publisher", "bi", readers}:
        for policy in policies:
            connection.execute(sql.SQL("drop policy {} on {}").format(sql.Identifier(policy), mart.history))
        for policy, command, role, condition in (
            ("publisher", "all", sql.SQL("current_user"), sql.SQL("true")),
            ("bi", "select", sql.Identifier("folio_bi"), sql.SQL("true")),
            (readers, "select", sql.Identifier("folio_api"), READERS[mart.row_access]),
        ):
            connection.execute(
                sql.SQL("create policy {} on {} for {} to {} using ({})").format(
                    sql.Identifier(policy),
                    mart.history,
                    sql.SQL(command),
                    role,
                    condition,
                )
            )
    if not is_forced:
        connection.execute(sql.SQL("alter table {} enable row level security").format(mart.history))
        connection.execute(sql.SQL("alter table {} force row level security").format(mart.history))
    if not is_granted:
        connection.execute(sql.SQL("grant select on {} to folio_reader").format(mart.history))


def _create_view(
    connection: Connection, mart: Mart, present: Mapping[tuple[str, str], Mapping[str, str]]
) -> None:
    columns = present["history", mart.name]
    if present.get(("marts", mart.name)) != columns:
        connection.execute(
            sql.SQL(
                "create or replace view {} with (security_invoker = true) as "
                "select {} from {} where known_to is null"
            ).format(mart.view, _names(columns), mart.history)
        )
        connection.execute(sql.SQL("grant select on {} to folio_reader").format(mart.view))


def _describe(connection: Connection, wanted: Sequence[Mart]) -> None:
    """Comments on tables, views and columns, where they are not yet as the contract says."""
    present = {
        (schema, relation, column): comment
        for schema, relation, column, comment in connection.execute(
            """
            select pg_namespace.nspname, pg_class.relname, coalesce(pg_attribute.attname, ''),
                   pg_description.description
            from pg_description
            inner join pg_class on pg_class.oid = pg_description.objoid
            inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
            left join pg_attribute on pg_attribute.attrelid = pg_class.oid
                 and pg_attribute.attnum = pg_description.objsubid and pg_description.objsubid > 0
            where pg_namespace.nspname in ('history', 'marts')
            """
        )
    }
    version_texts = {name: text for name, (_, text) in VERSION_COLUMNS.items()}
    for mart in wanted:
        texts = {column.name: column.description for column in mart.columns} | version_texts
        for schema, kind in (("history", "table"), ("marts", "view")):
            comments = [("", kind, sql.Identifier(schema, mart.name), mart.description)]
            comments += [
                (column, "column", sql.Identifier(schema, mart.name, column), text)
                for column, text in texts.items()
            ]
            for column, what, identifier, text in comments:
                if text and present.get((schema, mart.name, column)) != text:
                    connection.execute(
                        sql.SQL("comment on {} {} is {}").format(
                            sql.SQL(what),
                            identifier,
                            sql.Literal(text),
                        )
                    )


def _create_derived(connection: Connection, wanted: Sequence[Mart]) -> None:
    """The view of restatements and the function of holdings, once the marts that they read are there."""
    columns = {mart.name: {column.name for column in mart.columns} for mart in wanted}
    for file, (lookup, needed) in DERIVED.items():
        is_possible = all(set(names.split()) <= columns.get(name, set()) for name, names in needed.items())
        absent = sql.SQL("select {} is null").format(sql.SQL(lookup))
        if is_possible and connection.execute(absent).fetchone() == (True,):
            connection.execute((Path(__file__).parent / file).read_bytes())


# what a night changes


def _touched(connection: Connection, by_name: Mapping[str, Mart]) -> dict[str, list[_Scope]]:
    """What to compare, by relation; comparing a row twice does no harm."""
    rows = connection.execute(
        """
        select relation, key, min(first_day), bool_or(first_day is null)
        from build.touched group by relation, key order by relation, key
        """
    ).fetchall()
    unknown = sorted({relation for relation, *_ in rows if relation not in by_name})
    if unknown:
        raise PublicationError(f"build.touched names relations that are no marts: {', '.join(unknown)}.")
    scopes: dict[str, list[_Scope]] = {}
    for relation, key, first_day, has_every_day in rows:
        day = None if has_every_day or by_name[relation].comparable_day is None else first_day
        listed = scopes.setdefault(relation, [])
        if key is None:
            listed.insert(0, _Scope(first_day=day))
        elif listed and listed[-1].keys:
            listed[-1] = _Scope(keys=(*listed[-1].keys, (key, day)))
        else:
            listed.append(_Scope(keys=((key, day),)))
    return {relation: [_Scope()] if _Scope() in listed else listed for relation, listed in scopes.items()}


def _condition(mart: Mart, scope: _Scope) -> tuple[sql.Composable, list[Any]]:
    """SQL condition of a scope on any relation with the mart's columns."""
    day = sql.Identifier(mart.comparable_day) if mart.comparable_day else None
    if scope.keys:
        first = mart.columns[[column.name for column in mart.columns].index(mart.key[0])]
        data_type = sql.SQL(first.data_type)
        name = sql.Identifier(first.name)
        whole = [key for key, first_day in scope.keys if first_day is None]
        dated = [(key, first_day) for key, first_day in scope.keys if first_day is not None]
        parts = [sql.SQL("{} = any (%s::text[]::{}[])").format(name, data_type)]
        parameters: list[Any] = [whole]
        for key, first_day in dated:
            parts.append(sql.SQL("{} = %s::text::{} and {} >= %s").format(name, data_type, day))
            parameters += [key, first_day]
        return sql.SQL("({})").format(sql.SQL(") or (").join(parts)), parameters
    if scope.first_day is not None and day is not None:
        return sql.SQL("{} >= %s").format(day), [scope.first_day]
    return sql.SQL("true"), []


def _compare(
    connection: Connection, mart: Mart, scopes: Sequence[_Scope], publication_id: uuid.UUID, instant: datetime
) -> tuple[int, int]:
    """Open and close versions of one relation; how many of each."""
    names = [column.name for column in mart.columns]
    others = [name for name in names if name not in mart.key]
    same_key = sql.SQL(" and ").join(
        sql.SQL("built.{0} = served.{0}").format(sql.Identifier(name)) for name in mart.key
    )
    same_row = (
        sql.SQL("({}) is not distinct from ({})").format(_rows("built", others), _rows("served", others))
        if others
        else sql.SQL("true")
    )
    opened = closed = 0
    # Indexes of a large table that holds nothing yet are made once it is full, which takes half the time.
    is_filled_first = _is_first(connection, mart)
    try:
        if is_filled_first:
            _drop_indexes(connection, mart)
        for scope in scopes:
            condition, parameters = _condition(mart, scope)
            closed += connection.execute(
                sql.SQL(
                    """
                    update {history} as served set known_to = %s
                    where served.known_to is null and ({condition}) and not exists (
                        select 1 from (select * from {built} where {condition}) as built
                        where {same_key} and {same_row}
                    )
                    """
                ).format(
                    history=mart.history,
                    built=mart.built,
                    condition=condition,
                    same_key=same_key,
                    same_row=same_row,
                ),
                [instant, *parameters, *parameters],
            ).rowcount
            opened += connection.execute(
                sql.SQL(
                    """
                    insert into {history} ({names}, publication_id, known_from)
                    select {built_names}, %s, %s from (select * from {built} where {condition}) as built
                    where not exists (
                        select 1 from {history} as served where served.known_to is null and {same_key}
                    )
                    """
                ).format(
                    history=mart.history,
                    names=_names(names),
                    built_names=_names(names, "built"),
                    built=mart.built,
                    condition=condition,
                    same_key=same_key,
                ),
                [publication_id, instant, *parameters],
            ).rowcount
        if is_filled_first:
            _create_indexes(connection, mart)
    except psycopg.errors.UndefinedTable as error:
        raise PublicationError(f"build.{mart.name} does not exist: run the stage that builds it.") from error
    except psycopg.errors.UndefinedColumn as error:
        raise PublicationError(
            f"build.{mart.name} is not as its contract says ({error.diag.message_primary}): build it again."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        raise PublicationError(
            f"build.{mart.name} holds two rows of one key: {error.diag.message_detail}"
        ) from error
    except psycopg.errors.NotNullViolation as error:
        raise PublicationError(f"build.{mart.name} holds a row without {error.diag.column_name}.") from error
    if opened >= LARGE:
        connection.execute(sql.SQL("analyze {}").format(mart.history))
    return opened, closed


def _is_first(connection: Connection, mart: Mart) -> bool:
    """Whether no version of a relation was ever published, and many are about to be."""
    row = connection.execute(
        sql.SQL(
            """
            select reltuples >= %s and not exists (select from {history})
            from pg_class where oid = to_regclass(%s)
            """
        ).format(history=mart.history),
        [LARGE, f"build.{mart.name}"],
    ).fetchone()
    return row is not None and row[0]


def _rows(alias: str, names: Sequence[str]) -> sql.Composable:
    """Row constructor's inside; a trailing constant keeps one column a row."""
    return sql.SQL("{}, 0").format(_names(names, alias))
