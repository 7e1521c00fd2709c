"""Scratch databases: what was known at an instant, copied out of the warehouse to be built anew beside it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from folio.store import warehouse

KNOWN_LOADS = """
    select load_id from raw.loads
    where observed_at is null or observed_at <= {instant} or known_basis = 'assumed'
"""
"""Loads that had been seen, and those of history, whose rows count from earlier than they were fetched."""

OPS = ("nights", "check_results")
"""Records of nights that marts show."""


def scratch_url(instant: datetime, dsn: str | None = None) -> str:
    """URI of the scratch database of an instant, on the server of the warehouse."""
    parts = urlsplit(dsn or warehouse.url())
    name = f"{parts.path.lstrip('/')}_asof_{instant:%Y%m%dt%H%Mz}"
    return urlunsplit(parts._replace(path=f"/{name}"))


def drop(instant: datetime) -> bool:
    """Drop the scratch database of an instant; False where there is none."""
    name = urlsplit(scratch_url(instant)).path.lstrip("/")
    with warehouse.connect() as connection:
        connection.autocommit = True
        there = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if there:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        return there is not None


def create(instant: datetime, known_at: datetime) -> str:
    """Make the scratch database of an instant with all facts known at `known_at`, no more; gives its URI.

    One that is there already is made anew. The owner role must be allowed to create databases.
    """
    drop(instant)
    target = scratch_url(instant)
    with warehouse.connect() as connection:
        connection.autocommit = True
        name = urlsplit(target).path.lstrip("/")
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    warehouse.migrate(target)
    with warehouse.connect() as source, warehouse.connect(target) as scratch:
        source.execute("set transaction isolation level repeatable read")
        for table, condition in _tables(source, known_at):
            _copy(source, scratch, table, condition)
        scratch.execute("analyze")
    return target


def _tables(
    source: psycopg.Connection[Any], known_at: datetime
) -> list[tuple[sql.Identifier, sql.Composable]]:
    """Tables to copy, loads first, each with the condition of the rows that were known."""
    instant = sql.Literal(known_at)
    known = sql.SQL(KNOWN_LOADS).format(instant=instant)
    columns = source.execute(
        "select table_name, array_agg(column_name::text) from information_schema.columns"
        " where table_schema = 'raw' group by 1 order by table_name <> 'loads', 1"
    ).fetchall()
    tables: list[tuple[sql.Identifier, sql.Composable]] = []
    for name, has in columns:
        if name == "loads":
            condition: sql.Composable = sql.SQL("load_id in ({})").format(known)
        elif "observed_at" in has:
            condition = sql.SQL("observed_at <= {}").format(instant)
        elif "load_id" in has:
            condition = sql.SQL("load_id in ({})").format(known)
        else:
            condition = sql.SQL("true")
        tables.append((sql.Identifier("raw", name), condition))
    nights = sql.SQL("night in (select night from ops.nights where known_at <= {})").format(instant)
    return tables + [(sql.Identifier("ops", name), nights) for name in OPS]


def _copy(
    source: psycopg.Connection[Any],
    scratch: psycopg.Connection[Any],
    table: sql.Identifier,
    condition: sql.Composable,
) -> None:
    """Copy the rows of a table that a condition names."""
    read = sql.SQL("copy (select * from {} where {}) to stdout (format binary)").format(table, condition)
    write = sql.SQL("copy {} from stdin (format binary)").format(table)
    with source.cursor().copy(read) as rows, scratch.cursor().copy(write) as copy:
        for block in rows:
            copy.write(block)
