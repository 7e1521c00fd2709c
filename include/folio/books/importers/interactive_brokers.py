"""Interactive Brokers: Flex queries in XML and CSV, and the transaction history of its statements."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from xml.etree import ElementTree

from folio.books.importers import cells
from folio.books.importers.events import (
    Event,
    Imported,
    PassedOver,
    Statement,
    gathered,
    of_kind,
    with_statements,
)
from folio.books.importers.formats import Delimited, Format, Groups, Sample, columns, one, xml_of
from folio.books.importers.movements import Quantity, exchanged
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError

ZONE = "America/New_York"
"""Times in Flex queries are those of the account's set-up, New York unless it was changed."""

SECURITIES = frozenset(("STK", "FUND", "BOND", "BILL", "WAR", "IOPT", "CRYPTO", "ETF", ""))
"""Categories that are held as units; options, futures and contracts for difference have their own rules."""

CASH = {
    "Dividends": "dividend",
    "Payment In Lieu Of Dividends": "dividend",
    "Withholding Tax": "tax",
    "871(m) Withholding": "tax",
    "Broker Interest Received": "interest",
    "Broker Interest Paid": "interest",
    "Bond Interest Received": "interest",
    "Bond Interest Paid": "interest",
    "Credit Interest": "interest",
    "Deposits/Withdrawals": "money",
    "Deposits & Withdrawals": "money",
    "Other Fees": "fee",
    "Advisor Fees": "fee",
    "Commission Adjustments": "fee",
    "Broker Fees": "fee",
}
"""What a cash transaction of a type is: income, or a cost, or money brought or taken out."""

_CASH_FOLDED = {name.casefold(): kind for name, kind in CASH.items()}
_ISIN_SAID = re.compile(r"\(([A-Z]{2}[A-Z0-9]{9}[0-9])\)")


def cash_event(type_: str, amount: Decimal, event: Event) -> Event:
    """A cash transaction by its type and signed amount; RowError where the type is unknown."""
    if amount == 0:
        raise PassedOver(f"{type_} of 0")
    match _CASH_FOLDED.get(type_.casefold()):
        case "money":
            kind = "deposit" if amount > 0 else "withdrawal"
            return replace(event, kind=kind, amount=abs(amount), instrument=None)
        case "fee" | "tax" as cost:
            return of_kind(cost, -amount, event)
        case "dividend" if event.instrument is None:
            raise RowError("column description: names no instrument that paid the dividend")
        case str() as income:
            return of_kind(income, amount, event)
        case _:
            raise RowError(f"column type: unknown kind {type_!r}; known are {', '.join(CASH)}")


@dataclass(frozen=True)
class Trade:
    """An execution as any of the exports has it: quantity, money and commission signed as they write them."""

    category: str
    symbol: str
    quantity: Decimal
    price: Decimal
    money: Decimal
    currency: str
    commission: Decimal
    commission_currency: str
    taxes: Decimal

    def events(self, event: Event) -> Iterator[Event]:
        """A purchase or sale, or a change of money; the commission with it where it has its currency."""
        if self.category == "CASH":
            yield from self._change(event)
            return
        if self.category not in SECURITIES:
            raise RowError(f"column assetCategory: {self.category} is not held as units of an instrument")
        if self.quantity == 0:
            raise RowError("column quantity: 0 moves nothing")
        own = self.commission_currency in ("", self.currency)
        fee, rebate = max(-self.commission, Decimal(0)), max(self.commission, Decimal(0))
        tax = max(-self.taxes, Decimal(0))
        if self.taxes > 0:
            raise RowError(f"column taxes: {self.taxes} is a refund with a trade")
        yield replace(
            event,
            kind="buy" if self.quantity > 0 else "sell",
            units=abs(self.quantity),
            price=self.price,
            amount=abs(self.money),
            currency=self.currency,
            fee=fee if own else Decimal(0),
            tax=tax,
        )
        if rebate or (fee and not own):
            named = replace(event, source_id=event.source_id and f"{event.source_id} fee")
            yield of_kind(
                "fee", fee - rebate, replace(named, currency=self.commission_currency or self.currency)
            )

    def _change(self, event: Event) -> Iterator[Event]:
        """Money of the pair's first currency for money of its second."""
        first, _, second = self.symbol.replace("/", ".").partition(".")
        if not second:
            second = self.currency
        for code in (first, second):
            if not cells.is_money(code):
                raise RowError(f"column symbol: {code!r} is not a currency that Folio knows")
        bought, sold = Quantity(abs(self.quantity), first), Quantity(abs(self.money), second)
        paid, got = (sold, bought) if self.quantity > 0 else (bought, sold)
        fee = Quantity(-self.commission, self.commission_currency or second) if self.commission < 0 else None
        yield from exchanged(paid, got, replace(event, instrument=None, title=None), fee)


class Flex:
    """A Flex query in XML: trades and cash transactions of one account or more."""

    name = "interactive_brokers_flex"
    title = "Interactive Brokers Flex query (XML)"
    states_balances = True

    def nearness(self, sample: Sample) -> float:
        """Whether the root is that of a Flex query."""
        root = sample.xml
        return float(root is not None and root.tag == "FlexQueryResponse")

    def read(self, payload: bytes) -> Imported:
        """Read every statement of the query; a cancelled trade and its cancellation book nothing.

        Open positions are what the account held at the end of their day, each once however it is detailed.
        """
        root = xml_of(payload)
        assert root is not None
        text = payload.decode("utf-8-sig")
        elements = [
            e for e in root.iter() if e.tag in ("Trade", "CashTransaction", "CorporateAction", "Transfer")
        ]
        lines = _lines_of(text, elements)
        isins = _isins(elements)
        owner = {
            id(element): statement.get("accountId", "")
            for statement in root.iter("FlexStatement")
            for element in statement.iter()
        }
        cancelled = _cancelled(elements)
        made = gathered(
            self.name,
            (
                (
                    line,
                    _content(e),
                    partial(_of_element, e, isins, owner.get(id(e), ""), cancelled.get(id(e))),
                )
                for line, e in zip(lines, elements, strict=True)
            ),
        )
        positions = [
            (_content(e), partial(_position, e, isins, owner.get(id(e), "")))
            for e in root.iter("OpenPosition")
            if e.get("levelOfDetail", "SUMMARY") == "SUMMARY"
        ]
        return with_statements(made, positions)


def _lines_of(text: str, elements: Sequence[ElementTree.Element]) -> list[int]:
    """Line on which each element begins, in the order of the document."""
    tags = "|".join(sorted({e.tag for e in elements})) or "-"
    starts = [m.start() for m in re.finditer(rf"<(?:{tags})(?=[\s/>])", text)]
    if len(starts) != len(elements):
        return list(range(1, len(elements) + 1))
    lines, line, before = [], 1, 0
    for start in starts:
        line += text.count("\n", before, start)
        before = start
        lines.append(line)
    return lines


def _content(element: ElementTree.Element) -> str:
    said = " ".join(f'{name}="{value}"' for name, value in element.attrib.items() if value)
    return f"<{element.tag} {said}/>"


def _isins(elements: Sequence[ElementTree.Element]) -> dict[str, str]:
    """ISIN of each contract number, as any element of the query says it."""
    found: dict[str, str] = {}
    for element in elements:
        said = element.get("isin", "") or element.get("securityID", "")
        described = _ISIN_SAID.search(element.get("description", ""))
        isin = said if cells.is_isin(said) else described[1] if described else ""
        if isin and (conid := element.get("conid")):
            found.setdefault(conid, isin)
    return found


def _cancelled(elements: Sequence[ElementTree.Element]) -> dict[int, str]:
    """Trades of the query that another one cancels, and the cancellations that name one, with the reason.

    A cancellation names the trade by its transaction or trade id and undoes as many units of it.
    """
    found: dict[int, str] = {}
    trades = [e for e in elements if e.tag == "Trade"]
    for cancel in (e for e in trades if e.get("transactionType") == "TradeCancel"):
        for trade in trades:
            if trade is cancel or id(trade) in found or trade.get("transactionType") == "TradeCancel":
                continue
            by_transaction = cancel.get("origTransactionID", "0") not in ("", "0")
            same = (
                trade.get("transactionID") == cancel.get("origTransactionID")
                if by_transaction
                else bool(cancel.get("origTradeID")) and trade.get("tradeID") == cancel.get("origTradeID")
            )
            if same and _figure(trade, "quantity") == -_figure(cancel, "quantity"):
                found[id(trade)] = f"cancelled on {cancel.get('reportDate')}"
                found[id(cancel)] = f"cancels trade {trade.get('tradeID')}"
                break
    return found


def _figure(element: ElementTree.Element, name: str) -> Decimal:
    text = element.get(name, "")
    try:
        return cells.number(text) if text else Decimal(0)
    except ValueError as wrong:
        raise RowError(f"column {name}: {wrong}") from None


def _when(element: ElementTree.Element, *names: str) -> datetime | None:
    """Instant in the first of some attributes that holds a time of day."""
    for name in names:
        text = element.get(name, "").replace(",", ";").replace(" ", ";")
        if ";" in text:
            try:
                return cells.instant(text, ("%Y%m%d;%H%M%S", "%Y-%m-%d;%H:%M:%S", "%Y-%m-%d;%H%M%S"), ZONE)
            except ValueError as wrong:
                raise RowError(f"column {name}: {wrong}") from None
    return None


def _day_of(element: ElementTree.Element, *names: str) -> str:
    for name in names:
        if text := element.get(name, "").replace("--", ""):
            return re.split(r"[;, ]", text)[0].replace("-", "")
    raise RowError(f"column {names[0]}: empty")


def _of_element(
    element: ElementTree.Element, isins: Mapping[str, str], account: str, cancelled: str | None
) -> Iterator[Event]:
    if cancelled:
        raise PassedOver(cancelled)
    if element.get("levelOfDetail") in ("SUMMARY", "ORDER", "CLOSED_LOT", "SYMBOL_SUMMARY"):
        raise PassedOver(f"level of detail {element.get('levelOfDetail')}: the executions are what counts")
    event = Event(
        kind="",
        trade_date=_day(element, "tradeDate", "dateTime", "settleDate", "reportDate"),
        instrument=_instrument(element, isins),
        title=element.get("description") or None,
        currency=element.get("currency") or None,
        account=_account(element, account),
        source_id=_identity(element),
    )
    match element.tag:
        case "Trade":
            yield from _trade(element, event)
        case "CashTransaction":
            day = _day(element, "settleDate", "reportDate", "dateTime")
            yield cash_event(
                element.get("type", ""), _figure(element, "amount"), replace(event, trade_date=day)
            )
        case _:
            raise RowError(
                f"column type: {element.tag} {element.get('type', '')} {element.get('description', '')!r} "
                "is not booked by itself; book it in a transactions file"
            )


def _instrument(element: ElementTree.Element, isins: Mapping[str, str]) -> str | None:
    conid = element.get("conid", "")
    said = element.get("isin", "") or element.get("securityID", "")
    isin = said if cells.is_isin(said) else isins.get(conid, "")
    return f"isin:{isin}" if isin else f"source:interactive_brokers/{conid}" if conid else None


def _account(element: ElementTree.Element, around: str) -> str | None:
    own = element.get("accountId", "")
    return own if own not in ("", "-") else around or None


def _position(
    element: ElementTree.Element, isins: Mapping[str, str], account: str, line: int
) -> Statement | None:
    """Units of an open position at the end of its day; None of what accounts do not hold as units."""
    if element.get("assetCategory", "") not in SECURITIES:
        return None
    name = _instrument(element, isins)
    if name is None:
        raise RowError("column isin: empty, and no contract number")
    return Statement(
        _account(element, account),
        name,
        _day(element, "reportDate"),
        _figure(element, "position"),
        line,
        title=element.get("description") or None,
    )


def _identity(element: ElementTree.Element) -> str | None:
    """Id of the source, which tells executions, cash and commissions apart."""
    for name in ("transactionID", "tradeID"):
        text = element.get(name, "")
        if text.isdecimal():  # others are blanked out, and would tell nothing apart
            return f"{element.tag.lower()} {text}"
    return None


def _day(element: ElementTree.Element, *names: str) -> date:
    text = _day_of(element, *names)
    try:
        return cells.day(text, ("%Y%m%d",))
    except ValueError as wrong:
        raise RowError(f"column {names[0]}: {wrong}") from None


def _trade(element: ElementTree.Element, event: Event) -> Iterator[Event]:
    if element.get("transactionType") == "TradeCancel":
        raise RowError(
            f"column transactionType: cancels trade {element.get('origTradeID')} of an earlier file; "
            "send that trade with status reversed in a transactions file"
        )
    settle = element.get("settleDateTarget", "")
    trade = Trade(
        category=element.get("assetCategory", ""),
        symbol=element.get("symbol", ""),
        quantity=_figure(element, "quantity"),
        price=_figure(element, "tradePrice"),
        money=_figure(element, "tradeMoney") or _figure(element, "proceeds"),
        currency=element.get("currency", ""),
        commission=_figure(element, "ibCommission"),
        commission_currency=element.get("ibCommissionCurrency", ""),
        taxes=_figure(element, "taxes"),
    )
    named = replace(
        event,
        occurred_at=_when(element, "dateTime"),
        settlement_date=_day(element, "settleDateTarget") if settle else None,
    )
    if event.instrument is None and trade.category != "CASH":
        raise RowError("column isin: empty, and no contract number")
    yield from trade.events(named)


def _flex_trade(record: Record) -> Iterator[Event]:
    """A row of trades of a Flex query in CSV; a row without instrument is a change of money."""
    isin, conid = record.text("isin"), record.text("conid")
    symbol = record.text("symbol")
    currency = record.need("currencyprimary").upper()
    name = f"isin:{isin}" if cells.is_isin(isin) else f"source:interactive_brokers/{conid}" if conid else None
    if name is None and symbol:
        name = f"source:interactive_brokers/{symbol}"
    category = record.text("assetclass") or ("" if name else "CASH")
    quantity = record.number("quantity")
    side = record.need("buy/sell").upper()
    if side not in ("BUY", "SELL"):
        raise RowError(f"column Buy/Sell: unknown side {side!r}; known are BUY and SELL")
    if category == "CASH" and not symbol:
        raise RowError("column ISIN: empty, and no symbol says which money was changed for which")
    money = record.number("trademoney") or quantity * record.number("tradeprice")
    identity = record.text("transactionid") or record.text("tradeid")
    text = record.text("datetime")
    yield from Trade(
        category=category,
        symbol=symbol,
        quantity=abs(quantity) if side == "BUY" else -abs(quantity),
        price=record.size("tradeprice"),
        money=money,
        currency=currency,
        commission=record.number("ibcommission"),
        commission_currency=record.text("ibcommissioncurrency").upper(),
        taxes=record.number("taxes"),
    ).events(
        Event(
            kind="",
            trade_date=record.day("tradedate", "%Y%m%d", "%Y-%m-%d"),
            instrument=name,
            title=record.text("description") or None,
            settlement_date=record.day_or_none("settledatetarget", "%Y%m%d", "%Y-%m-%d"),
            occurred_at=record.instant("datetime", "%Y%m%d;%H%M%S", zone=ZONE) if ";" in text else None,
            source_id=f"trade {identity}" if identity else None,
            account=record.text("clientaccountid") or None,
        )
    )


def _flex_cash(record: Record) -> Iterator[Event]:
    isin = record.text("isin")
    described = _ISIN_SAID.search(record.text("description"))
    found = isin if cells.is_isin(isin) else described[1] if described else ""
    identity = record.text("transactionid")
    yield cash_event(
        record.need("type"),
        record.number("amount"),
        Event(
            kind="",
            trade_date=record.day("settledate", "%Y%m%d", "%Y-%m-%d"),
            instrument=f"isin:{found}" if found else None,
            currency=record.need("currencyprimary").upper(),
            title=record.text("description") or None,
            source_id=f"cashtransaction {identity}" if identity else None,
            account=record.text("clientaccountid") or None,
        ),
    )


HISTORY_CASH = {
    "dividend": "dividend",
    "payment in lieu": "dividend",
    "foreign tax withholding": "tax",
    "credit interest": "interest",
    "debit interest": "interest",
    "deposit": "money",
    "withdrawal": "money",
    "other fee": "fee",
    "commission adjustment": "fee",
}
"""Kinds of the transaction history; all its amounts are in the account's base currency."""


def _history_rows(found: Table) -> Sequence[Record]:
    """Rows of the history with the base currency, which the summary above it says."""
    base = next((line.split(",")[-1].strip() for line in found.preamble if ",Base Currency," in line), "")
    return [replace(r, cells={**r.cells, "base currency": base}) for r in found.records]


def _history(record: Record) -> Iterator[Event]:
    kind = record.need("transaction type").casefold()
    symbol = record.text("symbol").replace("-", "") if record.text("symbol") == "-" else record.text("symbol")
    described = _ISIN_SAID.search(record.text("description"))
    name = f"isin:{described[1]}" if described else f"source:interactive_brokers/{symbol}" if symbol else None
    event = Event(
        kind="",
        trade_date=record.day("date", "%Y-%m-%d"),
        instrument=name,
        title=record.text("description") or None,
        currency=record.text("base currency") or None,
        account=record.text("account") or None,
    )
    gross = record.number("gross amount")
    if kind in ("buy", "sell"):
        if not symbol:
            raise RowError("column Symbol: empty")
        commission = record.number("commission")
        named = replace(event, kind=kind, units=record.size("quantity"), amount=abs(gross))
        yield replace(named, fee=max(-commission, Decimal(0)))
        if commission > 0:
            yield of_kind("fee", -commission, event)
    elif kind in ("adjustment", "forex trade component"):
        raise PassedOver(f"{record.need('transaction type')}: a translation into the base currency")
    elif kind not in HISTORY_CASH:
        raise RowError(f"column Transaction Type: unknown kind {kind!r}")
    elif gross:
        match HISTORY_CASH[kind]:
            case "money":
                sign = "deposit" if gross > 0 else "withdrawal"
                yield replace(event, kind=sign, amount=abs(gross), instrument=None)
            case "fee" | "tax" as cost:
                yield of_kind(cost, -gross, event)
            case income:
                yield of_kind(income, gross, event)


def _symbols_isins(records: Sequence[Record]) -> Groups:
    """Each record alone: a symbol that a dividend of the file gives an ISIN for carries it everywhere."""
    isins = {
        record.text("symbol"): found[1]
        for record in records
        if (found := _ISIN_SAID.search(record.text("description")))
    }
    for record in records:
        isin = isins.get(record.text("symbol"))
        described = record.text("description")
        if isin and f"({isin})" not in described:
            record = replace(record, cells={**record.cells, "description": f"{described} ({isin})"})
        yield [record]


FORMATS: tuple[Format, ...] = (
    Flex(),
    Delimited(
        name="interactive_brokers_flex_trades",
        title="Interactive Brokers Flex query (CSV of trades)",
        columns=columns("Buy/Sell|TradeDate|Quantity|TradePrice|CurrencyPrimary|IBCommission"),
        book=one(_flex_trade),
        delimiters=",;|",
    ),
    Delimited(
        name="interactive_brokers_flex_cash",
        title="Interactive Brokers Flex query (CSV of cash transactions)",
        columns=columns("Type|SettleDate|Amount|CurrencyPrimary|Description"),
        book=one(_flex_cash),
        delimiters=",;|",
    ),
    Delimited(
        name="interactive_brokers_history",
        title="Interactive Brokers transaction history (CSV)",
        columns=columns(
            "Transaction History|Header|Date|Transaction Type|Symbol|Gross Amount|Commission|Net Amount"
        ),
        book=one(_history),
        group=_symbols_isins,
        prepare=_history_rows,
    ),
)
