"""Instruments that waiting rows name and no book describes: made of what a source says, for review."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from folio.books.formats.instrument_aliases import InstrumentAliasRow
from folio.books.formats.instruments import InstrumentRow
from folio.books.rows import BookRow
from folio.sources import landing
from folio.sources.landing import Ask, Load
from folio.sources.payloads import Payload

SLOT = "introduced"
"""Slots of loads of instruments that a source introduced begin with this word."""

BEGINNING = date(1900, 1, 1)
"""From when on a name counts whose first day no source knows."""

WANTED = """
    select distinct substring(waiting.waits_for from 12) as name
    from raw.rejected_rows as waiting join raw.loads as loads using (load_id)
    where waiting.waits_for like 'instrument %%:%%' and waiting.landed_by is null
      and loads.source = 'books' and loads.status = 'loaded' and loads.observed_at <= %(until)s
      and not exists (
          select from raw.book_instrument_aliases as aliases
          where aliases.scheme || ':' || aliases.alias = substring(waiting.waits_for from 12)
      )
    order by name
"""
"""Names of which no book says anything: where one does, the book must say what they meant before."""

FUNDS = """
    select distinct on (scheme_code) scheme_code::text, scheme_name, category
    from raw.amfi_schemes
    where scheme_code::text = any(%(names)s) and observed_at <= %(until)s
    order by scheme_code, observed_at desc, load_id desc
"""

LISTINGS = """
    with listings as (
        select distinct on (ticker, composite_figi)
            ticker, composite_figi, name, type, currency_name, delisted_on
        from raw.polygon_tickers
        where ticker = any(%(names)s) and observed_at <= %(until)s
        order by ticker, composite_figi, observed_at desc, load_id desc
    ), listed as (
        select distinct on (ticker) ticker, list_date from raw.polygon_ticker_details
        where observed_at <= %(until)s order by ticker, observed_at desc, load_id desc
    )
    select ticker, name, type, upper(currency_name), list_date, delisted_on
    from listings left join listed using (ticker)
    where (select count(*) from listings as others where others.ticker = listings.ticker) = 1
    order by ticker
"""

LISTED_KINDS = {
    "CS": "equity", "ADRC": "equity", "PFD": "equity", "OS": "equity", "NYRS": "equity", "GDR": "equity",
    "ETF": "etf", "ETN": "etf", "ETV": "etf", "ETS": "etf", "FUND": "fund",
}  # fmt: skip
"""Kinds of instrument by Polygon's types of ticker; other types wait for a book."""

TOKENS = """
    select distinct on (chain, contract_address) chain || ':' || contract_address, coin_id, name
    from raw.coingecko_coins
    where chain || ':' || contract_address = any(%(names)s) and observed_at <= %(until)s
    order by chain, contract_address, observed_at desc, load_id desc
"""


@dataclass(frozen=True)
class Introduced:
    """An instrument as a source describes it, with the names it goes by."""

    key: str
    kind: str
    name: str
    currency: str
    asset_class: str
    region: str
    aliases: tuple[tuple[str, str], ...]
    valid_from: date = BEGINNING
    valid_to: date | None = None


def introduce(
    connection: psycopg.Connection[Any],
    night: str,
    observed_at: datetime,
    parse: landing.Parse,
    *,
    folder: Path,
) -> list[Load]:
    """Take in instruments and aliases for the names that rows wait for and some source knows.

    AMFI knows its scheme codes, Polygon the tickers that only ever named one company, CoinGecko contracts.
    """
    until = {"until": observed_at}
    wanted = [row[0] for row in connection.execute(WANTED, until).fetchall()]
    found = [*_funds(connection, wanted, until), *_shares(connection, wanted, until)]
    found += _tokens(connection, wanted, until)
    connection.rollback()
    if not found:
        return []
    files: tuple[tuple[type[BookRow], Iterator[Sequence[object]]], ...] = (
        (InstrumentRow, (_instrument(one) for one in found)),
        (InstrumentAliasRow, (row for one in found for row in _aliases(one))),
    )
    loads = []
    for kind, rows in files:
        body = _file(kind, rows)
        loads.append(
            landing.take_in(
                connection,
                Ask(
                    "books",
                    kind.dataset,
                    f"{SLOT} {hashlib.sha256(body).hexdigest()[:12]}",
                    night,
                    "what sources say of names seen for the first time",
                ),
                lambda body=body: Payload(body, observed_at, SLOT),  # type: ignore[misc]
                parse,
                folder=folder,
            )
        )
    return loads


def _named(wanted: list[str], scheme: str) -> list[str]:
    """Aliases of one scheme among wanted names."""
    return [name.removeprefix(f"{scheme}:") for name in wanted if name.startswith(f"{scheme}:")]


def _funds(
    connection: psycopg.Connection[Any], wanted: list[str], until: dict[str, datetime]
) -> Iterator[Introduced]:
    names = _named(wanted, "amfi")
    for code, name, category in connection.execute(FUNDS, {**until, "names": names}).fetchall():
        said = (category or "").lower()
        asset_class = next((known for known in ("equity", "debt") if known in said), "other")
        yield Introduced(f"amfi-{code}", "fund", name, "INR", asset_class, "india", (("amfi", code),))


def _shares(
    connection: psycopg.Connection[Any], wanted: list[str], until: dict[str, datetime]
) -> Iterator[Introduced]:
    rows = connection.execute(LISTINGS, {**until, "names": _named(wanted, "ticker")}).fetchall()
    for ticker, name, listed_kind, currency, listed_on, delisted_on in rows:
        kind = LISTED_KINDS.get(listed_kind or "")
        if kind and currency:
            begin = listed_on or BEGINNING
            yield Introduced(
                f"ticker-{ticker}-{begin:%Y}", kind, name, currency, "equity", "north_america",
                (("ticker", ticker),), begin, delisted_on,
            )  # fmt: skip


def _tokens(
    connection: psycopg.Connection[Any], wanted: list[str], until: dict[str, datetime]
) -> Iterator[Introduced]:
    rows = connection.execute(TOKENS, {**until, "names": _named(wanted, "contract")}).fetchall()
    for contract, coin, name in rows:
        yield Introduced(
            f"coin-{coin}", "crypto", name, "USD", "crypto", "global",
            (("contract", contract), ("coingecko", coin)),
        )  # fmt: skip


def _instrument(one: Introduced) -> Sequence[object]:
    return (one.key, one.kind, one.name, one.currency, one.asset_class, "unknown", one.region, "false")


def _aliases(one: Introduced) -> Iterator[Sequence[object]]:
    for scheme, alias in one.aliases:
        yield (scheme, alias, one.valid_from, one.valid_to or "", one.key, "false")


def _file(kind: type[BookRow], rows: Iterator[Sequence[object]]) -> bytes:
    """A book file of a kind, each name in it once."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(kind.columns)
    writer.writerows(dict.fromkeys(map(tuple, rows)))
    return out.getvalue().encode()
