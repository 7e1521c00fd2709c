"""Trade Republic: the transaction export, and the shorter table of its web account in several languages."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from folio.books.importers import cells
from folio.books.importers.events import Event, PassedOver, of_kind
from folio.books.importers.formats import Delimited, Groups, columns, one
from folio.books.importers.table import Record
from folio.books.rows import RowError

MONEY_MOVES = frozenset(
    (
        "CUSTOMER_INBOUND", "CUSTOMER_INPAYMENT", "CUSTOMER_OUTBOUND_REQUEST", "TRANSFER_INBOUND",
        "TRANSFER_INSTANT_INBOUND", "TRANSFER_INSTANT_OUTBOUND", "TRANSFER_OUTBOUND", "TRANSFER_IN",
        "TRANSFER_OUT", "CARD_TRANSACTION", "CARD_TRANSACTION_INTERNATIONAL", "CARD_REFUND", "GIFT",
        "CARD_ORDERING_FEE", "DIRECT_DEBIT", "SEPA_DIRECT_DEBIT", "PAYMENT_INBOUND",
    )
)  # fmt: skip
"""Types by which money comes or goes, also to shops: outside what is invested."""

INCOME = {
    "DIVIDEND": "dividend",
    "DISTRIBUTION": "dividend",
    "DIVIDEND_EQUIVALENT_PAYMENT": "dividend",
    "INTEREST_PAYMENT": "interest",
    "BENEFITS_SAVEBACK": "interest",
    "BENEFITS_SPARE_CHANGE": "interest",
    "STOCKPERK": "interest",
}

TAX_ONLY = frozenset(("EARNINGS", "PRE_DETERMINED_TAX_BASE", "SEC_ACCOUNT", "TAX_OPTIMIZATION"))
"""Types that book a tax, or its refund, and no money besides."""

PAID_OUT = frozenset(("FINAL_MATURITY", "REDEMPTION", "TILG", "WARRANT_EXERCISE"))
"""Types by which a bond or certificate ends: units leave on one line, money comes on another."""


def _name(record: Record) -> str:
    symbol = record.need("symbol")
    if cells.is_isin(symbol):
        return f"isin:{symbol}"
    if record.text("asset_class") == "CRYPTO":
        return f"coin:{symbol}"
    return f"source:trade_republic/{symbol}"


def _event(record: Record) -> Event:
    return Event(
        kind="",
        trade_date=record.day("date", "%Y-%m-%d"),
        occurred_at=record.instant("datetime"),
        currency=record.text("currency") or None,
        account=record.text("account_type") or None,
        source_id=record.text("transaction_id") or None,
    )


def _book(records: Sequence[Record]) -> Iterator[Event]:
    kind = records[0].need("type")
    if kind in PAID_OUT:
        yield from _ended(records)
        return
    (record,) = records
    event = _event(record)
    amount, fee, tax = record.number("amount"), -record.number("fee"), -record.number("tax")
    if kind in ("BUY", "SELL", "PRIVATE_MARKET_BUY"):
        if fee < 0 or tax < 0:
            raise RowError("column fee, tax: a refund with a trade")
        yield replace(
            event, kind="sell" if kind == "SELL" else "buy", instrument=_name(record),
            title=record.text("name") or None, units=record.size("shares"),
            price=record.size("price") or None, amount=abs(amount), fee=fee, tax=tax,
        )  # fmt: skip
    elif kind in MONEY_MOVES:
        yield replace(event, kind="deposit" if amount > 0 else "withdrawal", amount=abs(amount), fee=fee)
        if tax:
            yield of_kind("tax", tax, _beside(event, "tax"))
    elif kind in INCOME:
        yield from _income(INCOME[kind], record, event, amount, tax)
    elif kind in TAX_ONLY:
        if amount:
            raise RowError(f"column amount: {amount} on a {kind}, which books taxes only")
        if not tax:
            raise PassedOver(f"{kind} of 0")
        named = (
            replace(event, instrument=_name(record), title=record.text("name"))
            if record.text("symbol")
            else event
        )
        yield of_kind("tax", tax, named)
    elif kind == "SPLIT":
        yield replace(
            event, kind="bonus", instrument=_name(record), title=record.text("name") or None,
            units=_added(record),
        )  # fmt: skip
    else:
        raise RowError(f"column type: unknown kind {kind!r}")


def _added(record: Record) -> Decimal:
    """Units that a split added; one that takes units away cannot be told without the holding."""
    shares = record.number("shares")
    if shares <= 0:
        raise RowError(f"column shares: {shares}: a split that takes units away; book its ratio as a split")
    return shares


def _income(kind: str, record: Record, event: Event, amount: Decimal, tax: Decimal) -> Iterator[Event]:
    """Income with the tax kept of it; both are undone together where the amount is negative."""
    if record.text("symbol"):
        event = replace(event, instrument=_name(record), title=record.text("name") or None)
    together = amount * tax >= 0
    yield of_kind(kind, amount, replace(event, tax=abs(tax) if together else Decimal(0)))
    if not together:
        yield of_kind("tax", tax, _beside(event, "tax"))


def _beside(event: Event, what: str) -> Event:
    return replace(event, source_id=event.source_id and f"{event.source_id} {what}")


def _ended(records: Sequence[Record]) -> Iterator[Event]:
    """A sale of the units that left for the money that came; refused while the file has one of the two."""
    out = [r for r in records if r.number("shares") < 0]
    paid = [r for r in records if r.number("amount")]
    if len(out) != 1 or len(paid) > 1:
        raise RowError("column shares: the end of a holding without the line on which its units leave")
    (left,) = out
    amount = paid[0].number("amount") if paid else Decimal(0)
    tax = -sum((r.number("tax") for r in records), Decimal(0))
    event = replace(_event(left), currency=next(r.text("currency") for r in (*paid, left)) or None)
    yield replace(
        event, kind="sell", instrument=_name(left), title=left.text("name") or None,
        units=left.size("shares"), amount=amount, tax=max(tax, Decimal(0)),
        settlement_date=max(r.day("date", "%Y-%m-%d") for r in records),
    )  # fmt: skip
    if tax < 0:
        yield of_kind("tax", tax, _beside(event, "tax"))


def _groups(records: Sequence[Record]) -> Groups:
    """Each line alone, but the lines by which one holding ends together."""
    ends: dict[str, list[Record]] = {}
    for record in records:
        if record.text("type") in PAID_OUT:
            ends.setdefault(record.text("symbol"), []).append(record)
        else:
            yield [record]
    yield from ends.values()


WEB_KINDS = {
    "aankoop": "buy", "kauf": "buy", "buy": "buy", "achat": "buy", "compra": "buy", "acquisto": "buy",
    "verkoop": "sell", "verkauf": "sell", "sell": "sell", "vente": "sell", "venta": "sell",
    "vendita": "sell",
    "dividend": "dividend", "dividende": "dividend", "dividendo": "dividend",
    "storting": "deposit", "einzahlung": "deposit", "deposit": "deposit",
    "onttrekking": "withdrawal", "auszahlung": "withdrawal", "withdrawal": "withdrawal",
    "removal": "withdrawal", "entnahme": "withdrawal", "einlage": "deposit",
    "rente": "interest", "zinsen": "interest", "interest": "interest",
}  # fmt: skip


def _web(record: Record) -> Iterator[Event]:
    """The value is what the account was charged or credited, costs and taxes in it."""
    said = record.need("transactietype")
    kind = WEB_KINDS.get(said.casefold())
    if kind is None:
        raise RowError(f"column Transactietype: unknown kind {said!r}")
    text = record.need("datum")
    at = record.instant("datum", zone="Europe/Berlin") if "T" in text else None
    value = record.size("waarde (netto)")
    fee, tax = record.size("kosten"), record.size("belasting")
    event = Event(
        kind=kind,
        trade_date=record.day("datum", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"),
        occurred_at=at,
        currency="EUR",
        amount=value - fee - tax if kind == "buy" else value + fee + tax,
        fee=fee,
        tax=tax,
    )
    if kind in ("buy", "sell", "dividend"):
        event = replace(event, instrument=record.isin("isin"), title=record.text("opmerking") or None)
    if kind in ("buy", "sell"):
        event = replace(event, units=record.size("aantal"))
    if kind == "withdrawal":
        event = replace(event, amount=value)
    yield event


FORMATS = (
    Delimited(
        name="trade_republic",
        title="Trade Republic transaction export",
        columns=columns("datetime|date|account_type|category|type|symbol|shares|amount|transaction_id"),
        book=_book,
        delimiters=",;",
        group=_groups,
    ),
    Delimited(
        name="trade_republic_web",
        title="Trade Republic account table",
        columns=columns("Datum|Transactietype|Waarde (netto)|ISIN|Aantal|Kosten|Belasting"),
        book=one(_web),
        delimiters=";,",
        decimal=",",
    ),
)
