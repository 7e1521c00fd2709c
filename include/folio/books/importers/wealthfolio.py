"""Wealthfolio's import of activities, its holdings, and a plain French account statement."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from folio.books.importers import cells
from folio.books.importers.brokers import unknown
from folio.books.importers.events import Event, of_kind
from folio.books.importers.formats import Delimited, columns, no_events, one, refusing
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError

MONEY = {
    "DEPOSIT": "deposit", "WITHDRAWAL": "withdrawal", "INTEREST": "interest", "FEE": "fee", "TAX": "tax",
    "CREDIT": "interest",
}  # fmt: skip
"""Activities that move money only; a credit is given by the broker."""


def _activity(record: Record) -> Iterator[Event]:
    """`fxRate` does not say which way it is meant, so the rate of the day is used instead."""
    said = record.need("type", "activitytype").upper()
    units, price = record.size("quantity"), record.size("unit_price", "unitprice")
    amount = record.size("amount") or units * price
    symbol, sort = record.text("symbol"), record.text("instrumenttype").upper()
    event = Event(
        kind="",
        trade_date=record.day("date", "%Y-%m-%d"),
        currency=record.text("currency").upper() or None,
        fee=record.size("fee"),
    )
    name = f"coin:{symbol.removesuffix('-USD')}" if sort == "CRYPTO" else f"yahoo:{symbol}"
    named = replace(event, instrument=name, title=symbol)
    if said in MONEY:
        yield of_kind(MONEY[said], amount, event)
    elif not symbol:
        raise RowError("column symbol: empty")
    elif said in ("BUY", "SELL"):
        yield replace(named, kind=said.lower(), units=units, price=price, amount=amount)
    elif said == "DIVIDEND":
        yield replace(named, kind="dividend", amount=amount)
    elif said in ("TRANSFER_IN", "TRANSFER_OUT"):
        yield replace(named, kind=said.lower(), units=units, price=price, amount=amount or None)
    elif said == "SPLIT":
        yield replace(named, kind="split", units=record.size("amount") or units)
    else:
        raise unknown(
            "type", said, (*MONEY, "BUY", "SELL", "DIVIDEND", "SPLIT", "TRANSFER_IN", "TRANSFER_OUT")
        )


FRENCH = {
    "achat": "buy", "vente": "sell", "dividende": "dividend", "versement": "deposit",
    "prelevement": "withdrawal", "prélèvement": "withdrawal", "retrait": "withdrawal",
    "interet": "interest", "intérêt": "interest", "interets": "interest", "frais": "fee",
}  # fmt: skip


def _french(record: Record) -> Iterator[Event]:
    """Amounts are gross, costs beside them; a holding without an ISIN goes by its words."""
    said = record.need("operation")
    kind = FRENCH.get(said.casefold())
    isin, words = record.text("isin"), record.text("libelle")
    # An amount without units may stand one column early, where the price of units would be.
    amount = record.number("montant") or (Decimal(0) if record.text("quantite") else record.number("cours"))
    event = Event(
        kind="",
        trade_date=record.day("date d'operation", "%d/%m/%Y"),
        settlement_date=record.day_or_none("date de valeur", "%d/%m/%Y"),
        currency=record.text("devise") or None,
        fee=record.size("frais"),
    )
    name = f"isin:{isin}" if cells.is_isin(isin) else f"source:releve/{words}" if words else None
    named = replace(event, instrument=name, title=words or None)
    match kind:
        case "buy" | "sell":
            yield replace(
                named,
                kind=kind,
                units=record.size("quantite"),
                price=record.size("cours"),
                amount=abs(amount),
            )
        case "dividend":
            yield of_kind("dividend", amount, named)
        case "deposit" | "withdrawal":
            yield replace(event, kind=kind, amount=abs(amount))
        case "interest":
            yield of_kind("interest", amount, event)
        case "fee":
            yield of_kind("fee", abs(amount), event)
        case _:
            raise unknown("Operation", said, FRENCH)


def _french_body(found: Table) -> Sequence[Record]:
    """Records without the lines at the foot, which fill a cell or two and hold no day."""
    return [record for record in found.records if record.text("date d'operation")[:1].isdigit()]


FORMATS = (
    Delimited(
        "wealthfolio", "Wealthfolio activities",
        columns("date|symbol|quantity|type|unit_price|currency|fee|amount"), one(_activity),
    ),
    Delimited(
        "wealthfolio_named", "Wealthfolio activities (other names)",
        columns("date|symbol|quantity|activityType|unitPrice|currency|fee|amount"), one(_activity),
    ),
    Delimited(
        "wealthfolio_holdings", "Wealthfolio holdings", columns("date|symbol|quantity|price|currency"),
        no_events, prepare=refusing("holdings on days, which come of transactions"),
        unless=columns("action|type|activitytype|fee|fees|code|buy/sell"),
    ),
    Delimited(
        "releve", "French account statement",
        columns("Date d'operation|Date de valeur|Operation|ISIN|Libelle|Quantite|Cours|Montant|Frais|Devise"),
        one(_french), ";,", ",", prepare=_french_body,
    ),
)  # fmt: skip
