"""Portfolio Performance: its CSV of all transactions, with English or German headings."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from folio.books.importers import cells
from folio.books.importers.brokers import unknown
from folio.books.importers.events import NOTHING, Event, of_kind
from folio.books.importers.formats import Delimited, columns, one
from folio.books.importers.table import Record
from folio.books.rows import RowError

KINDS = {
    "buy": "buy", "kauf": "buy", "sell": "sell", "verkauf": "sell",
    "deposit": "deposit", "einlage": "deposit", "removal": "withdrawal", "entnahme": "withdrawal",
    "dividend": "dividend", "dividende": "dividend", "interest": "interest", "zinsen": "interest",
    "interest charge": "-interest", "zinsbelastung": "-interest",
    "fees": "fee", "gebühren": "fee", "fees refund": "-fee", "gebührenerstattung": "-fee",
    "taxes": "tax", "steuern": "tax", "tax refund": "-tax", "steuerrückerstattung": "-tax",
    "delivery (inbound)": "transfer_in", "einlieferung": "transfer_in",
    "delivery (outbound)": "transfer_out", "auslieferung": "transfer_out",
    "transfer (inbound)": "moved in", "umbuchung (eingang)": "moved in",
    "transfer (outbound)": "moved out", "umbuchung (ausgang)": "moved out",
}  # fmt: skip

_DAYS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y", "%d.%m.%Y %H:%M")


def _book(record: Record) -> Iterator[Event]:
    """The value is what the account was charged or credited: costs are in it, those of a sale taken off."""
    said = record.need("type", "typ")
    kind = KINDS.get(said.casefold())
    if kind is None:
        raise unknown("Type", said, KINDS)
    value = record.size("value", "wert")
    fee, tax = record.size("fees", "gebühren"), record.size("taxes", "steuern")
    units, isin = record.size("shares", "stück"), record.text("isin")
    symbol, title = (
        record.text("ticker symbol", "ticker-symbol"),
        record.text("security name", "wertpapiername"),
    )
    event = Event(
        kind="",
        trade_date=record.day("date" if "date" in record.cells else "datum", *_DAYS),
        currency=record.text("transaction currency", "buchungswährung") or None,
        fee=fee,
        tax=tax,
    )
    name = f"isin:{isin}" if cells.is_isin(isin) else f"yahoo:{symbol}" if symbol else None
    if name is None and title:
        name = f"source:portfolio_performance/{title}"
    named = replace(event, instrument=name, title=title or None)
    if kind in ("buy", "transfer_in"):
        yield replace(named, kind=kind, units=units, amount=_left(value - fee - tax))
    elif kind in ("sell", "transfer_out"):
        yield replace(named, kind=kind, units=units, amount=value + fee + tax)
    elif kind == "dividend":
        yield replace(named, kind=kind, amount=value + fee + tax)
    elif kind in ("deposit", "withdrawal"):
        yield replace(event, kind=kind, amount=value, fee=NOTHING, tax=NOTHING)
    elif kind.startswith("moved"):
        raise RowError("column Type: a move between two accounts; import each of the accounts by itself")
    else:
        sign = -1 if kind.startswith("-") else 1
        gross = value + tax if kind.endswith("interest") and sign > 0 else value
        of = replace(
            event if kind.endswith("interest") else named, fee=NOTHING, tax=tax if gross != value else NOTHING
        )
        yield of_kind(kind.lstrip("-"), sign * gross, of)


def _left(amount: Decimal) -> Decimal:
    if amount < 0:
        raise RowError("column Value: less than the fees and taxes in it")
    return amount


FORMATS = (
    Delimited(
        "portfolio_performance", "Portfolio Performance (English)",
        columns("Date|Type|Value|Transaction Currency|Fees|Taxes|Shares|ISIN|Security Name"),
        one(_book), ",;",
    ),
    Delimited(
        "portfolio_performance_de", "Portfolio Performance (German)",
        columns("Datum|Typ|Wert|Buchungswährung|Gebühren|Steuern|Stück|ISIN|Wertpapiername"), one(_book),
        ";,", ",",
    ),
)  # fmt: skip
