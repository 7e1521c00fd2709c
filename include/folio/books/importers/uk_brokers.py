"""Exports of brokers that British clients use: Schwab to Vanguard, and what their tax tools take."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from folio.books.importers import cells
from folio.books.importers.brokers import unknown
from folio.books.importers.events import NOTHING, Event, PassedOver, of_kind
from folio.books.importers.formats import Delimited, columns, no_events, one, refusing
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError

# ---- Charles Schwab ----------------------------------------------------------------------------------------

SCHWAB = {
    "buy": "buy", "sell": "sell", "reinvest shares": "buy", "cash dividend": "dividend",
    "qualified dividend": "dividend", "non-qualified div": "dividend", "special dividend": "dividend",
    "special qual div": "dividend", "reinvest dividend": "dividend", "qual div reinvest": "dividend",
    "pr yr cash div": "dividend", "long term cap gain": "dividend", "short term cap gain": "dividend",
    "long term cap gain reinvest": "dividend", "short term cap gain reinvest": "dividend",
    "bond interest": "dividend", "credit interest": "interest", "bank interest": "interest",
    "margin interest": "interest", "nra tax adj": "tax", "nra withholding": "tax",
    "foreign tax paid": "tax", "adr mgmt fee": "fee", "service fee": "fee", "misc cash entry": "interest",
    "moneylink transfer": "money", "moneylink deposit": "money", "journal": "money", "wire sent": "money",
    "wire received": "money", "wire funds": "money", "wire funds received": "money",
    "funds received": "money", "stock plan activity": "vested", "stock split": "split",
}  # fmt: skip

_US_DAYS = ("%m/%d/%Y",)
_OPTION = re.compile(r"\S+\s+(?:\d{6}[CP]\d{8}|\d{2}/\d{2}/\d{4}\s+[\d.]+\s+[CP])")


def _schwab(record: Record) -> Iterator[Event]:
    """The amount is what the account was charged or credited, fees in it; units without a price are given."""
    said = record.need("action")
    kind = SCHWAB.get(said.casefold())
    symbol = record.text("symbol")
    written = record.need("date").split(" as of ")
    effective = replace(record, cells={**record.cells, "day": written[-1]})
    amount, fee = record.number("amount"), record.size("fees & comm")
    cusip = bool(re.fullmatch(r"[0-9A-Z]{8}\d", symbol))
    event = Event(kind="", trade_date=effective.day("day", *_US_DAYS), currency="USD")
    named = replace(
        event,
        instrument=f"source:schwab/{symbol}" if cusip else f"ticker:{symbol}" if symbol else None,
        title=record.text("description") or None,
    )
    if _OPTION.fullmatch(symbol):
        raise RowError(f"column Symbol: {symbol} is an option, which is not held as units of an instrument")
    if kind in ("buy", "sell", "vested", "split", "dividend") and not symbol:
        raise RowError("column Symbol: empty")
    match kind:
        case "buy" | "sell":
            gross = abs(amount) - fee if kind == "buy" else abs(amount) + fee
            yield replace(
                named,
                kind=kind,
                units=record.size("quantity"),
                price=record.size("price"),
                amount=gross,
                fee=fee,
            )
        case "vested":
            yield replace(named, kind="transfer_in", units=record.size("quantity"))
        case "split":
            yield replace(named, kind="bonus", units=record.size("quantity"))
        case "money":
            yield replace(event, kind="deposit" if amount > 0 else "withdrawal", amount=abs(amount))
        case "tax" | "fee":
            yield of_kind(kind, -amount, named)
        case str():
            yield of_kind(kind, amount, named)
        case _:
            raise unknown("Action", said, SCHWAB)


def _without_total(found: Table) -> Sequence[Record]:
    return [record for record in found.records if not record.text("date").startswith("Transactions Total")]


# ---- Trading 212 -------------------------------------------------------------------------------------------

_T212_COSTS = (
    ("transaction fee", "fee"), ("currency conversion fee", "fee"), ("finra fee", "fee"),
    ("stamp duty reserve tax", "tax"), ("stamp duty", "tax"), ("ptm levy", "fee"),
    ("french transaction tax", "tax"), ("charge amount", ""),
)  # fmt: skip


def _t212(record: Record) -> Iterator[Event]:
    """The total is what the account was charged or credited, costs in it; dividends are net of their tax."""
    said = record.need("action")
    word = said.casefold()
    heading = next((name for name in record.cells if name == "total" or name.startswith("total (")), "total")
    currency = heading[7:-1].upper() if "(" in heading else record.need("currency (total)")
    total = record.number(heading)
    identity = record.text("id")
    at = record.instant("time")
    event = Event(
        kind="", trade_date=at.astimezone(ZoneInfo("Europe/London")).date(), occurred_at=at,
        currency=currency, source_id=f"{identity} {word}" if identity else None,
    )  # fmt: skip
    named = replace(event, title=record.text("name") or None)
    side = "buy" if word.endswith(" buy") else "sell" if word.endswith(" sell") else ""
    if side:
        fee, tax = _t212_costs(record, currency)
        gross = abs(total) - fee - tax if side == "buy" else abs(total) + fee + tax
        yield replace(
            named, kind=side, instrument=record.isin("isin"), units=record.size("no. of shares"),
            amount=gross, fee=fee, tax=tax,
        )  # fmt: skip
    elif word.startswith("dividend"):
        kept = record.size("withholding tax")
        kept_in = record.text("currency (withholding tax)")
        if kept and kept_in != currency:
            shares, price = record.size("no. of shares"), record.size("price / share")
            # Abroad only the shares of the gross dividend are known: the tax is that part of the gross.
            local = shares * price
            if record.text("currency (price / share)") != kept_in or local <= kept:
                raise RowError(f"column Withholding tax: {kept} {kept_in} cannot be turned into {currency}")
            kept = (abs(total) * kept / (local - kept)).quantize(Decimal("0.01"))
        yield replace(
            named, kind="dividend", instrument=record.isin("isin"), amount=abs(total) + kept, tax=kept
        )
    elif word in ("deposit", "withdrawal"):
        yield replace(event, kind=word, amount=abs(total))
    elif word in ("interest on cash", "lending interest", "result adjustment", "spending cashback"):
        yield of_kind("interest", total, event)
    else:
        raise RowError(f"column Action: unknown kind {said!r}")


def _t212_costs(record: Record, currency: str) -> tuple[Decimal, Decimal]:
    """Fees and taxes of a trade in the total's currency; RowError where one is in another."""
    found = {"fee": NOTHING, "tax": NOTHING}
    for name in record.cells:
        bare = name.partition(" (")[0]
        kind = dict(_T212_COSTS).get(bare)
        if not kind or name.startswith("currency (") or not record.number(name):
            continue
        inside = name[name.rfind("(") + 1 : -1].upper() if "(" in name else record.text(f"currency ({bare})")
        if inside not in ("", currency):
            raise RowError(f"column {name}: in {inside}, the total is in {currency}")
        found[kind] += record.size(name)
    return found["fee"], found["tax"]


# ---- Vanguard UK -------------------------------------------------------------------------------------------

_VANGUARD_TRADE = re.compile(
    r"(?P<side>Bought|Sold)\s+(?P<units>[\d,.]+)\s+(?P<name>.+?)(?:\s+\((?P<symbol>[A-Z0-9]+)\))?"
)
_VANGUARD_DIVIDEND = re.compile(r"(?P<undone>Reversal of )?DIV:\s*(?P<symbol>[A-Z0-9]+)(?:\.\S+)?\s+@.*")


def _vanguard(record: Record) -> Iterator[Event]:
    details, amount = record.need("details"), record.number("amount")
    event = Event(kind="", trade_date=record.day("date", "%d/%m/%Y"), currency="GBP")
    said = details.casefold()
    if trade := _VANGUARD_TRADE.fullmatch(details):
        symbol = trade["symbol"] or trade["name"]
        yield replace(
            event, kind="buy" if trade["side"] == "Bought" else "sell", title=trade["name"],
            instrument=f"source:vanguard_uk/{symbol}", units=cells.number(trade["units"]), amount=abs(amount),
        )  # fmt: skip
    elif dividend := _VANGUARD_DIVIDEND.fullmatch(details):
        yield of_kind(
            "dividend", amount, replace(event, instrument=f"source:vanguard_uk/{dividend['symbol']}")
        )
    elif "interest" in said:
        yield of_kind("interest", amount, event)
    elif "fee" in said:
        yield of_kind("fee", -amount, event)
    elif "deposit" in said or "withdrawal" in said or said.startswith("payment by"):
        yield replace(event, kind="deposit" if amount > 0 else "withdrawal", amount=abs(amount))
    else:
        raise RowError(f"column Details: {details!r} says of no known kind what it is")


# ---- Hargreaves Lansdown -----------------------------------------------------------------------------------

_HL_TRADE = re.compile(r"(?P<name>.+?)\s+[\d,.]+\s+@\s+[\d,.]+")


def _hl(record: Record) -> Iterator[Event]:
    """Unit costs are in pence; the value is what the account was charged or credited, costs in it."""
    value = next((record.number(name) for name in record.cells if name.startswith("value (")), NOTHING)
    described, reference = record.need("description"), record.need("reference").upper()
    event = Event(kind="", trade_date=record.day("trade date", "%d/%m/%Y"), currency="GBP")
    units = record.size("quantity")
    if units:
        trade = _HL_TRADE.fullmatch(described)
        name = trade["name"] if trade else described
        gross = (units * record.size("unit cost (p)") / 100).quantize(Decimal("0.01"))
        fee = abs(value) - gross if value < 0 else gross - abs(value)
        if fee < 0:
            raise RowError(f"column Value: {value} does not cover {units} at the unit cost")
        yield replace(
            event, kind="buy" if value < 0 else "sell", instrument=f"source:hargreaves_lansdown/{name}",
            title=name, units=units, amount=gross, fee=fee, price=record.size("unit cost (p)") / 100,
            settlement_date=record.day_or_none("settle date", "%d/%m/%Y"), source_id=f"contract {reference}",
        )  # fmt: skip
    elif "FEE" in reference:
        yield of_kind("fee", -value, event)
    elif reference == "INTEREST":
        yield of_kind("interest", value, event)
    elif reference in ("FPC", "CARD WEB", "BACS", "FASTER", "TRANSFER", "FPD", "CHQ", "DD", "FPP"):
        yield replace(event, kind="deposit" if value > 0 else "withdrawal", amount=abs(value))
    else:
        raise RowError(f"column Reference: unknown kind {reference!r}")


# ---- Morgan Stanley ----------------------------------------------------------------------------------------


def _ms_event(record: Record, day: str) -> Event:
    order = record.text("order number")
    known = order not in ("", "N/A", "ORDER_NUMBER_HIDDEN")
    return Event(
        kind="", trade_date=record.day(day, "%d-%b-%Y"), currency="USD",
        source_id=f"order {order}" if known else None,
    )  # fmt: skip


def _ms_done(record: Record) -> None:
    status = record.text("status", "order status")
    if status not in ("Complete", "Completed"):
        raise PassedOver(f"an order that is {status.lower() or 'open'}")


def _ms_release(record: Record) -> Iterator[Event]:
    """Shares that arrive net of those kept for tax, at the price of the day they were released."""
    _ms_done(record)
    units, price = record.size("net share proceeds", "net share proceeds 2"), record.size("price")
    if not record.text("net share proceeds 2"):
        units = record.size("net share proceeds")
    else:
        units = record.size("net share proceeds 2")
    if not units:
        raise PassedOver("a release of no shares to the account")
    yield replace(
        _ms_event(record, "vest date" if record.text("vest date") else "date"), kind="transfer_in",
        instrument=f"source:morgan_stanley/{record.need('plan')}", title=record.need("plan"),
        units=units, price=price, amount=units * price,
    )  # fmt: skip


def _ms_withdrawal(record: Record) -> Iterator[Event]:
    _ms_done(record)
    said, plan = record.need("type"), record.need("plan")
    if said != "Sale":
        raise unknown("Type", said, ("Sale",))
    event, net = _ms_event(record, "execution date"), record.size("net amount")
    if plan == "Cash":
        yield replace(event, kind="withdrawal", amount=net)
        return
    units, price = record.size("quantity"), record.size("price")
    gross = units * price
    if gross < net:
        raise RowError(f"column Net Amount: {net} is more than {units} at {price}")
    yield replace(
        event, kind="sell", instrument=f"source:morgan_stanley/{plan}", title=plan, units=units, price=price,
        amount=gross, fee=gross - net,
    )  # fmt: skip


def _ms_wire(record: Record) -> Iterator[Event]:
    _ms_done(record)
    yield replace(_ms_event(record, "date"), kind="withdrawal", amount=record.size("net cash proceeds"))


def _without_notes(found: Table) -> Sequence[Record]:
    """Records without the remark below them, which fills one cell."""
    return [r for r in found.records if sum(bool(text) for text in r.cells.values()) > 1]


# ---- Sharesight --------------------------------------------------------------------------------------------


def _sharesight_trade(record: Record) -> Iterator[Event]:
    """Trades in the market's currency; those of currency accounts are moves of coins."""
    said = record.need("type").casefold()
    if said not in ("buy", "sell"):
        raise unknown("Type", record.text("type"), ("Buy", "Sell"))
    market, code, currency = record.need("market"), record.need("code"), record.need("currency")
    units, price, fee = record.size("quantity"), record.size("price *"), record.size("brokerage *")
    event = Event(
        kind=said, trade_date=record.day("date", "%d/%m/%Y"), units=units, title=record.text("name") or None
    )
    if market == "FX":
        if cells.is_money(code):
            raise RowError(f"column Code: {code}: a currency account's balance, not an instrument")
        # Only the coin's own leg is told: what was paid for it has lines of its own.
        coin = "BTC" if code == "XBT" else code
        kind = "transfer_in" if said == "buy" else "transfer_out"
        yield replace(event, kind=kind, instrument=f"coin:{coin}")
        return
    yield replace(
        event, instrument=f"source:sharesight/{code}.{market}", price=price, amount=units * price,
        currency=currency, fee=fee,
    )  # fmt: skip


def _sharesight_income(record: Record) -> Iterator[Event]:
    code, day = record.need("code"), record.day("date paid", "%d/%m/%Y")
    gross = record.number("gross dividend", "gross amount")
    tax = record.number("tax deducted", "foreign tax deducted")
    yield of_kind(
        "dividend",
        gross,
        Event(
            kind="", trade_date=day, instrument=f"source:sharesight/{code}",
            title=record.text("name") or None, currency=record.text("currency") or "GBP", tax=tax,
        ),
    )  # fmt: skip


def _sharesight_sections(found: Table) -> Sequence[Record]:
    """Payments of both sections: the second, of foreign income, has a header of its own below the first."""
    names = list(found.header)
    kept = []
    for record in found.records:
        row = list(record.cells.values())
        if [cell.casefold() for cell in row[:3]] == ["code", "name", "date paid"]:
            names = [cell.casefold() or f"column {place}" for place, cell in enumerate(row)]
        elif re.fullmatch(r"\d{2}/\d{2}/\d{4}", row[2]):
            kept.append(replace(record, cells=dict(zip(names, row, strict=False))))
    return kept


# ---- tables of tax tools -----------------------------------------------------------------------------------


def _plain(records: Sequence[Record]) -> Iterator[Event]:
    """One line an event, as a client writes them down of a broker whose export has no format."""
    (record,) = records
    said = record.need("action").upper()
    units, price, fee = record.size("quantity"), record.number("price"), record.size("fees")
    symbol = record.text("symbol")
    event = Event(kind="", trade_date=record.day("date", "%Y-%m-%d"), currency=record.need("currency"))
    if said == "TRANSFER":
        amount = units * price - fee
        yield replace(event, kind="deposit" if amount > 0 else "withdrawal", amount=abs(amount))
        return
    if not symbol:
        raise RowError("column symbol: empty")
    named = replace(event, instrument=f"ticker:{symbol}", title=symbol)
    match said:
        case "BUY" | "SELL":
            yield replace(named, kind=said.lower(), units=units, price=price, amount=units * price, fee=fee)
        case "DIVIDEND":
            yield replace(named, kind="dividend", amount=units * price, fee=fee)
        case "STOCK_SPLIT":
            yield replace(named, kind="bonus", units=units)
        case "TRANSFER_TO_SPOUSE" | "TRANSFER_FROM_SPOUSE":
            kind = "transfer_out" if said.endswith("TO_SPOUSE") else "transfer_in"
            yield replace(named, kind=kind, units=units, amount=units * price or None)
        case _:
            raise RowError(f"column action: unknown kind {said!r}")


SCHWAB_COLUMNS = columns("Date|Action|Symbol|Description|Price|Quantity|Fees & Comm|Amount")
_MS = "Order Number|Type|Price|Quantity|Net Share Proceeds|Tax Payment Method"

FORMATS = (
    Delimited("schwab", "Charles Schwab", SCHWAB_COLUMNS, one(_schwab), prepare=_without_total),
    Delimited(
        "schwab_awards", "Charles Schwab Equity Awards",
        columns("Date|Action|Symbol|Description|Quantity|AwardDate|AwardId|FairMarketValuePrice"),
        no_events, prepare=refusing("releases of shares, which arrive in the export of transactions"),
    ),
    Delimited(
        "trading_212", "Trading 212",
        columns("Action|Time|ISIN|Ticker|Name|No. of shares|Price / share|Withholding tax|ID"), one(_t212),
    ),
    Delimited("vanguard_uk", "Vanguard UK", columns("Date|Details|Amount|Balance"), one(_vanguard)),
    Delimited(
        "hargreaves_lansdown", "Hargreaves Lansdown",
        columns("Trade date|Settle date|Reference|Description|Unit cost (p)|Quantity"), one(_hl),
    ),
    Delimited(
        "morgan_stanley_releases", "Morgan Stanley releases", columns(f"Vest Date|Plan|Status|{_MS}"),
        one(_ms_release), prepare=_without_notes,
    ),
    Delimited(
        "morgan_stanley_net_releases", "Morgan Stanley releases (net shares)",
        columns(f"Date|Plan|Order Status|{_MS}|Net Share Proceeds 2"), one(_ms_release),
        prepare=_without_notes,
    ),
    Delimited(
        "morgan_stanley_withdrawals", "Morgan Stanley withdrawals",
        columns(f"Execution Date|Plan|Order Status|Net Amount|{_MS}"), one(_ms_withdrawal),
        prepare=_without_notes,
    ),
    Delimited(
        "morgan_stanley_wires", "Morgan Stanley wires",
        columns(f"Date|Symbol|Order Status|Net Cash Proceeds|{_MS}"), one(_ms_wire), prepare=_without_notes,
    ),
    Delimited(
        "sharesight_trades", "Sharesight trades",
        columns("Market|Code|Name|Type|Date|Quantity|Price *|Brokerage *|Currency"), one(_sharesight_trade),
        prepare=_without_notes,
    ),
    Delimited(
        "sharesight_income", "Sharesight taxable income",
        columns("Code|Name|Date Paid|Net Dividend|Tax Deducted|Gross Dividend"), one(_sharesight_income),
        prepare=_sharesight_sections,
    ),
    Delimited(
        "plain_actions", "plain table of actions",
        columns("date|action|symbol|quantity|price|fees|currency"), _plain,
    ),
    Delimited(
        "exchange_rates", "table of exchange rates", columns("month|currency|rate"),
        no_events, prepare=refusing("rates of exchange, which come from the European Central Bank"),
    ),
)  # fmt: skip
