"""DEGIRO: the account statement, whose orders stand on several lines, in the languages of its customers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from folio.books.importers import cells
from folio.books.importers.events import Event, PassedOver, of_kind
from folio.books.importers.formats import Delimited, Groups, columns
from folio.books.importers.movements import Quantity, exchanged
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError

ZONE = "Europe/Amsterdam"

_TRADE = re.compile(
    r"(?:(?P<why>.*?):\s*)?(?P<side>koop|compra|achat|buy|kauf|acquisto|verkoop|venda|vente|venta|sell|verkauf|vendita)"
    r"\s+(?P<units>[\d.,\s\u00a0]+?)\s*(?P<name>[^\d@].*?)?@\s*(?P<price>[\d.,]+)\s*(?P<currency>[A-Z]{3})",
    re.IGNORECASE,
)
BUYING = frozenset(("koop", "compra", "achat", "buy", "kauf", "acquisto"))

KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("moved within", (
        "overboeking van uw geldrekening", "overboeking naar uw geldrekening", "cash sweep",
        "transferir de su cuenta", "transferir a su cuenta", "transfert vers votre compte",
        "transfert de votre compte", "variation fonds monétaires", "conversion fonds monétaires",
        "koersverschil geldmarktfonds", "reservation ideal", "processed flatex withdrawal",
    )),
    ("tax", (
        "dividendbelasting", "impôts sur dividende", "retenue", "dividend tax", "imposto sobre dividendo",
        "impuesto sobre dividendo", "dividendensteuer", "ritenuta",
    )),
    ("fee", (
        "transactiekosten", "aansluitingskosten", "comissões", "frais degiro", "connection fee",
        "corporate action kosten", "transaction and/or third party fees", "costes de transacción",
        "gebühr", "commissioni", "custody fee", "kosten van derden",
    )),
    ("dividend", ("dividend", "dividende", "dividendo", "coupon")),
    ("change", (
        "valuta creditering", "valuta debitering", "ingreso cambio de divisa", "retirada cambio de divisa",
        "levantamento de divisa", "crédito de divisa", "fx credit", "fx debit", "currency credit",
        "currency debit", "währungswechsel",
    )),
    ("money", (
        "ideal deposit", "flatex deposit", "ingreso", "deposit", "storting", "einzahlung", "versement",
        "withdrawal", "terugstorting", "retirada", "dépôt", "retrait",
    )),
    ("interest", ("courtesy", "rente", "interest", "intérêt", "zinsen", "promotion")),
)  # fmt: skip
"""What a description tells, by words in it; the first that fits counts."""


def _kind(description: str) -> str | None:
    said = description.casefold()
    return next((kind for kind, words in KINDS if any(word in said for word in words)), None)


ENGLISH = {
    "date": "datum", "time": "tijd", "value date": "valutadatum", "description": "omschrijving",
    "change": "mutatie", "change 2": "mutatie 2", "balance": "saldo", "balance 2": "saldo 2",
}  # fmt: skip
"""English headings and the Dutch ones by which cells are asked for."""


def _joined(found: Table) -> Sequence[Record]:
    """Records with the continuation lines, which hold only the rest of a cell, put back."""
    joined: list[Record] = []
    for said in found.records:
        record = replace(said, cells={ENGLISH.get(name, name): cell for name, cell in said.cells.items()})
        if record.text("datum") or not joined:
            joined.append(record)
            continue
        last = joined[-1]
        more = {name: last.cells[name] + text for name, text in record.cells.items() if text}
        content = f"{last.content}\n{record.content}"
        joined[-1] = replace(last, content=content, cells={**last.cells, **more})
    return joined


def _groups(records: Sequence[Record]) -> Groups:
    """Lines of one order together, and the two sides of a change of money of one minute; others alone."""
    key: tuple[str, ...]
    together: dict[tuple[str, ...], list[Record]] = {}
    for place, record in enumerate(records):
        order = record.text("order id").strip()
        kind = _kind(cells.mended(record.text("omschrijving")))
        changed = kind == "change" and not _TRADE.search(record.text("omschrijving"))
        if changed:
            key = ("change", record.text("datum"), record.text("tijd"), order)
        elif order:
            key = ("order", order, record.text("isin"))
        else:
            key = ("line", str(place))
        together.setdefault(key, []).append(record)
    return together.values()


def _base(record: Record) -> Event:
    at = f"{record.need('datum')} {record.text('tijd') or '00:00'}"
    timed = replace(record, cells={**record.cells, "at": at})
    order = record.text("order id").strip()
    isin = record.text("isin")
    return Event(
        kind="",
        trade_date=record.day("datum", "%d-%m-%Y"),
        occurred_at=timed.instant("at", "%d-%m-%Y %H:%M", zone=ZONE),
        instrument=f"isin:{isin}" if cells.is_isin(isin) else None,
        title=record.text("product") or None,
        source_id=f"order {order}" if order else None,
    )


def _amount(record: Record) -> tuple[Decimal, str]:
    """Signed amount of a line; the columns of its currency and figure share one heading."""
    return record.number("mutatie 2"), record.text("mutatie")


def _book(records: Sequence[Record]) -> Iterator[Event]:
    trades = [(r, m) for r in records if (m := _TRADE.search(cells.mended(r.text("omschrijving"))))]
    if trades:
        yield from _order(records, trades)
        return
    kinds = {_kind(cells.mended(r.text("omschrijving"))) for r in records}
    if kinds == {"change"}:
        yield from _change(records)
        return
    for number, record in enumerate(records):
        event = _base(record)
        if event.source_id and len(records) > 1:
            event = replace(event, source_id=f"{event.source_id} line {number}")
        yield from _line(record, event)


def _line(record: Record, event: Event) -> Iterator[Event]:
    description = cells.mended(record.text("omschrijving"))
    amount, currency = _amount(record)
    event = replace(event, currency=currency or None)
    match _kind(description):
        case "moved within":
            raise PassedOver(f"moved within the account: {description}")
        case None:
            raise RowError(f"column Omschrijving: unknown kind {description!r}")
        case _ if amount == 0:
            raise PassedOver(f"{description} of 0")
        case "money":
            kind = "deposit" if amount > 0 else "withdrawal"
            yield replace(event, kind=kind, amount=abs(amount), instrument=None)
        case "change":
            raise RowError("column Omschrijving: one side of a change of money without the other")
        case "dividend" if event.instrument is None:
            raise RowError("column ISIN: a dividend of no instrument")
        case "tax" | "fee" as cost:
            yield of_kind(cost, -amount, event)
        case str() as income:
            yield of_kind(income, amount, event)


def _change(records: Sequence[Record]) -> Iterator[Event]:
    if len(records) != 2:
        raise RowError("column Omschrijving: one side of a change of money without the other")
    sides = sorted((_amount(r) for r in records), key=lambda side: side[0])
    (paid, paid_in), (got, got_in) = sides
    if not paid < 0 < got:
        raise RowError("column Mutatie: a change of money with one direction")
    event = replace(_base(records[0]), instrument=None, title=None)
    if event.source_id:
        event = replace(event, source_id=f"{event.source_id} change")
    yield from exchanged(Quantity(-paid, paid_in), Quantity(got, got_in), event)


def _order(records: Sequence[Record], trades: Sequence[tuple[Record, "re.Match[str]"]]) -> Iterator[Event]:
    """Executions of an order; its costs go with the first in their currency, else by themselves."""
    costs: dict[str, Decimal] = {}
    for record in records:
        description = cells.mended(record.text("omschrijving"))
        if any(record is trade for trade, _ in trades):
            continue
        if _kind(description) != "fee":
            raise RowError(f"column Omschrijving: unknown line {description!r} of an order")
        amount, currency = _amount(record)
        costs[currency] = costs.get(currency, Decimal(0)) - amount
    for number, (record, said) in enumerate(trades, start=1):
        event = _base(record)
        if event.instrument is None:
            if "fund" in record.text("product").casefold():
                raise PassedOver(f"moved within the account: {record.text('omschrijving')}")
            raise RowError("column ISIN: empty")
        if _kind(cells.mended(record.text("omschrijving"))) == "moved within":
            raise PassedOver(f"moved within the account: {record.text('omschrijving')}")
        amount, currency = _amount(record)
        units = cells.number(said["units"], record.decimal)
        bought = said["side"].casefold() in BUYING
        why = (said["why"] or "").strip().casefold()
        fee = max(costs.pop(currency, Decimal(0)), Decimal(0))
        kind = "buy" if bought else "sell"
        worth: Decimal | None = abs(amount)
        if amount == 0:
            if "productwijziging" in why or "product change" in why or "isin" in why:
                kind, worth = ("merger_in" if bought else "merger_out"), None
            elif bought:
                kind, worth = "bonus", None
            else:
                raise RowError("column Mutatie: a sale for nothing")
        identity = event.source_id and f"{event.source_id} {number}"
        yield replace(
            event, kind=kind, units=units, amount=worth, currency=currency or None, fee=fee,
            price=_price(said, currency, record.decimal) if worth is not None else None,
            source_id=identity,
        )  # fmt: skip
    event = _base(trades[0][0])
    for currency, cost in costs.items():
        named = replace(
            event, currency=currency, source_id=event.source_id and f"{event.source_id} fee {currency}"
        )
        if cost:
            yield of_kind("fee", cost, named)


def _price(said: "re.Match[str]", currency: str, decimal: str) -> Decimal | None:
    """Price of the description in the money of the line; none where it is in another."""
    price, written = cells.number(said["price"], decimal), said["currency"].upper()
    if written == "GBX" and currency == "GBP":
        return price / 100
    return price if written == currency else None


FORMATS = (
    Delimited(
        name="degiro",
        title="DEGIRO account statement",
        columns=columns("Date|Time|Value date|Product|ISIN|Description|FX|Change|Balance|Order Id"),
        book=_book,
        delimiters=",;",
        group=_groups,
        prepare=_joined,
    ),
    Delimited(
        name="degiro",
        title="DEGIRO account statement",
        columns=columns("Datum|Tijd|Valutadatum|Product|ISIN|Omschrijving|FX|Mutatie|Saldo|Order Id"),
        book=_book,
        delimiters=",;",
        decimal=",",
        group=_groups,
        prepare=_joined,
    ),
)
