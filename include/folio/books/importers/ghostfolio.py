"""Ghostfolio: its JSON export, and the CSV that its import takes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from functools import partial

from folio.books.importers import cells
from folio.books.importers.events import Event, Imported, gathered, of_kind
from folio.books.importers.formats import Delimited, Format, Sample, columns, json_of, one
from folio.books.importers.table import Record
from folio.books.rows import RowError
from folio.errors import PayloadError

SCHEMES = {"YAHOO": "yahoo", "COINGECKO": "coingecko", "ALPHA_VANTAGE": "alphavantage"}
"""Alias schemes of Ghostfolio's sources of prices; the symbols of the others mean something there only."""

OTHERS = frozenset(
    ("MANUAL", "EOD_HISTORICAL_DATA", "FINANCIAL_MODELING_PREP", "GHOSTFOLIO", "GOOGLE_SHEETS", "RAPID_API")
)

_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_+-]*")
_COIN = re.compile(r"([A-Z0-9]{3,})USD")
_DASHED = re.compile(r"[A-Z0-9]+-([A-Z]{3})")
_DAYS = ("%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%Y-%m-%d")


def instrument(symbol: str, source: str, titles: Mapping[str, str]) -> tuple[str, str | None]:
    """Name of an instrument by Ghostfolio's symbol and source of prices, and its title; RowError else.

    Ghostfolio writes Yahoo's `BTC-USD` as `BTCUSD`; the dashed form is none of its symbols.
    """
    if source in OTHERS:
        return f"source:ghostfolio/{symbol}", titles.get(symbol, symbol)
    if source not in SCHEMES:
        known = ", ".join(sorted({*SCHEMES, *OTHERS}))
        raise RowError(f"column dataSource: unknown source of prices {source!r}; known are {known}")
    dashed = _DASHED.fullmatch(symbol)
    if not _SYMBOL.fullmatch(symbol) or (dashed and cells.is_money(dashed[1])):
        raise RowError(f"column symbol: {symbol!r} is no symbol of {source}")
    if cells.is_isin(symbol):
        return f"isin:{symbol}", titles.get(symbol)
    coin = _COIN.fullmatch(symbol) if source == "YAHOO" else None
    return f"{SCHEMES[source]}:{f'{coin[1]}-USD' if coin else symbol}", titles.get(symbol)


def events(
    kind: str, event: Event, quantity: Decimal, price: Decimal, name: tuple[str, str | None]
) -> Iterator[Event]:
    """The event of an activity: quantity times price in its currency, the fee apart."""
    named = replace(event, instrument=name[0], title=name[1])
    worth = quantity * price
    match kind:
        case "BUY" | "SELL":
            yield replace(named, kind=kind.lower(), units=quantity, price=price, amount=worth)
        case "DIVIDEND":
            yield replace(named, kind="dividend", amount=worth)
        case "INTEREST":
            yield of_kind("interest", worth, event)
        case "FEE":
            yield of_kind("fee", worth + event.fee, replace(event, fee=Decimal(0)))
        case _:
            raise RowError(
                f"column type: unknown kind {kind!r}; known are BUY, SELL, DIVIDEND, INTEREST and FEE"
            )


def _of_record(record: Record) -> Iterator[Event]:
    if record.number("quantity", "qty") < 0 or record.number("fee") < 0:
        raise RowError("column quantity: negative; the action gives the direction")
    event = Event(
        kind="",
        trade_date=record.day("date", *_DAYS),
        currency=record.need("currency", "ccy").upper(),
        fee=record.number("fee"),
        account=record.text("account", "accountid") or None,
    )
    kind = record.need("action", "type").upper()
    symbol = record.need("code", "symbol", "ticker")
    source = record.text("datasource").upper() or "YAHOO"
    name = ("", None) if kind in ("FEE", "INTEREST") else instrument(symbol, source, {})
    yield from events(kind, event, record.number("quantity", "qty"), record.number("price"), name)


CSV = tuple(
    Delimited(
        name="ghostfolio_csv",
        title="Ghostfolio CSV",
        columns=columns(f"Date|Code|{currency}|Price|{quantity}|Action|Fee"),
        book=one(_of_record),
        delimiters=",;",
    )
    for currency, quantity in (("Currency", "Quantity"), ("CCY", "Qty"))
)


class GhostfolioJson:
    """The JSON of Ghostfolio's export: `activities` with, as far as said, accounts and descriptions."""

    name = "ghostfolio_json"
    title = "Ghostfolio JSON"
    states_balances = False

    def nearness(self, sample: Sample) -> float:
        """Whether it is an object with a list of activities."""
        said = sample.json
        return float(isinstance(said, dict) and isinstance(said.get("activities"), list))

    def read(self, payload: bytes) -> Imported:
        """Read an export; PayloadError where its accounts refer to what it does not describe."""
        said = json_of(payload)
        assert isinstance(said, dict)
        titles = _titles(said)
        starts = _starts(payload.decode("utf-8-sig"), len(said["activities"]))
        return gathered(
            self.name,
            (
                (line, str(activity), partial(_of_activity, activity, titles))
                for line, activity in zip(starts, said["activities"], strict=True)
            ),
        )


def _titles(said: Mapping[str, object]) -> dict[str, str]:
    """Names of instruments by symbol, as the export describes them."""
    profiles = said.get("assetProfiles") or []
    if not isinstance(profiles, list):
        raise PayloadError("assetProfiles: not a list")
    return {
        p["symbol"]: p.get("name") or p["symbol"] for p in profiles if isinstance(p, dict) and "symbol" in p
    }


def _starts(text: str, activities: int) -> list[int]:
    """Line on which each activity begins: its place in the list where the text does not tell."""
    lines, depth, inside, found = 1, 0, False, []
    begin = text.find('"activities"')
    lines += text.count("\n", 0, begin)
    quoted = escaped = False
    for character in text[begin + len('"activities"') :]:
        if character == "\n":
            lines += 1
        if quoted:
            quoted, escaped = escaped or character != '"', character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character == "[":
            inside = True
        elif character == "{":
            depth += 1
            if inside and depth == 1:
                found.append(lines)
        elif character == "}":
            depth -= 1
        elif character == "]" and depth == 0:
            break
    return found if len(found) == activities else list(range(1, activities + 1))


def _of_activity(activity: object, titles: Mapping[str, str]) -> Iterator[Event]:
    if not isinstance(activity, dict):
        raise RowError("not an activity: no object with its fields")

    def text(field: str) -> str:
        if not isinstance(found := activity.get(field), str) or not found:
            raise RowError(f"column {field}: empty")
        return found

    def figure(field: str) -> Decimal:
        found = activity.get(field)
        if isinstance(found, bool) or not isinstance(found, int | Decimal) or found < 0:
            raise RowError(f"column {field}: {found!r} is not a number of 0 or more")
        return Decimal(found)

    kind, symbol, source = text("type"), text("symbol"), text("dataSource")
    try:
        at = cells.instant(text("date"), ("iso",), "UTC").astimezone(UTC)
    except ValueError as wrong:
        raise RowError(f"column date: {wrong}") from None
    if source == "MANUAL" and symbol not in titles:
        raise RowError(f"column symbol: {symbol!r} is set by hand, and no assetProfiles describes it")
    identity = activity.get("id")
    event = Event(
        kind="",
        trade_date=at.date(),
        occurred_at=at if at.time() != at.min.time() else None,
        currency=text("currency"),
        fee=figure("fee"),
        account=activity.get("accountId") or None,
        source_id=identity if isinstance(identity, str) and identity else None,
    )
    name = ("", None) if kind in ("FEE", "INTEREST") else instrument(symbol, source, titles)
    yield from events(kind, event, figure("quantity"), figure("unitPrice"), name)


FORMATS: tuple[Format, ...] = (GhostfolioJson(), *CSV)
