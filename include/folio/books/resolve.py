"""Gathering what is known: from the versions in the warehouse, or from the rows of reference files."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast

import psycopg
from psycopg import sql

from folio.books.known import Alias, Known
from folio.books.reading import Reading


def known_at(connection: psycopg.Connection[Any], instant: datetime) -> Known:
    """What book files had introduced by an instant; reads in the open transaction."""

    def versions(table: str, key: str, columns: str) -> Iterable[tuple[Any, ...]]:
        query = sql.SQL(
            "select distinct on ({key}) {columns} from {table} where observed_at <= %s "
            "order by {key}, observed_at desc, load_id desc"
        ).format(key=sql.SQL(key), columns=sql.SQL(columns), table=sql.Identifier("raw", table))
        return connection.execute(query, (instant,)).fetchall()

    aliases: defaultdict[tuple[str, str], list[Alias]] = defaultdict(list)
    for scheme, alias, valid_from, valid_to, instrument_key in versions(
        "book_instrument_aliases",
        "scheme, alias, valid_from",
        "scheme, alias, valid_from, valid_to, instrument_key",
    ):
        aliases[scheme, alias].append(Alias(instrument_key, valid_from, valid_to))
    return Known(
        investors=frozenset(k for (k,) in versions("book_investors", "investor_key", "investor_key")),
        portfolios=frozenset(k for (k,) in versions("book_portfolios", "portfolio_key", "portfolio_key")),
        accounts=dict(versions("book_accounts", "account_key", "account_key, currency")),
        instruments=frozenset(k for (k,) in versions("book_instruments", "instrument_key", "instrument_key")),
        aliases={name: tuple(meanings) for name, meanings in aliases.items()},
    )


def with_reading(known: Known, reading: Reading) -> Known:
    """The same knowledge and what the accepted rows of one more file introduce."""
    kind = reading.row
    rows = [dict(zip(kind.columns, accepted.values, strict=True)) for accepted in reading.accepted]

    def keys(column: str) -> frozenset[str]:
        return frozenset(cast(str, row[column]) for row in rows)

    match kind.dataset:
        case "investors":
            return replace(known, investors=known.investors | keys("investor_key"))
        case "portfolios":
            return replace(known, portfolios=known.portfolios | keys("portfolio_key"))
        case "accounts":
            currencies = {cast(str, row["account_key"]): cast(str, row["currency"]) for row in rows}
            return replace(known, accounts={**known.accounts, **currencies})
        case "instruments":
            return replace(known, instruments=known.instruments | keys("instrument_key"))
        case "instrument_aliases":
            aliases = dict(known.aliases)
            for row in rows:
                name = (cast(str, row["scheme"]), cast(str, row["alias"]))
                meaning = Alias(
                    cast(str | None, row["instrument_key"]),
                    cast(date, row["valid_from"]),
                    cast(date | None, row["valid_to"]),
                )
                aliases[name] = (*aliases.get(name, ()), meaning)
            return replace(known, aliases=aliases)
        case _:
            return known
