"""Exports of brokers that write one line an event, or nearly: Avanza to Revolut."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from folio.books.importers import cells
from folio.books.importers.events import NOTHING, Event, PassedOver, of_kind
from folio.books.importers.formats import Delimited, Groups, columns, one
from folio.books.importers.movements import Quantity, came_in, charged, exchanged, was_given, went_out
from folio.books.importers.table import Record, Table
from folio.books.rows import RowError


def unknown(column: str, kind: str, known: Mapping[str, object] | Sequence[str]) -> RowError:
    """Refusal of a kind of event that the format is not known to have."""
    return RowError(f"column {column}: unknown kind {kind!r}; known are {', '.join(known)}")


# ---- Avanza ------------------------------------------------------------------------------------------------

AVANZA = {
    "köp": "buy", "sälj": "sell", "utdelning": "dividend", "uttag": "withdrawal",
    "insättning": "deposit", "ränta": "interest", "utländsk källskatt": "tax",
    "preliminärskatt": "tax", "avkastningsskatt": "tax", "övrigt": "other",
}  # fmt: skip


def _avanza(record: Record) -> Iterator[Event]:
    """The amount is what the account was charged or credited, the courtage in it, in the account's money."""
    said = record.need("typ av transaktion")
    described = record.text("värdepapper/beskrivning")
    kind = AVANZA.get(said.casefold())
    amount, units, fee = record.number("belopp"), record.number("antal"), record.size("courtage (sek)")
    isin = record.text("isin")
    event = Event(
        kind="",
        trade_date=record.day("datum", "%Y-%m-%d"),
        instrument=f"isin:{isin}" if cells.is_isin(isin) else None,
        title=described or None,
        currency=record.text("transaktionsvaluta") or None,
        account=record.text("konto") or None,
    )
    match kind:
        case "buy" | "sell":
            if event.instrument is None:
                raise RowError("column ISIN: empty")
            gross = abs(amount) - fee if kind == "buy" else abs(amount) + fee
            yield replace(event, kind=kind, units=abs(units), amount=gross, fee=fee)
        case "deposit" | "withdrawal":
            yield replace(event, kind=kind, amount=abs(amount), instrument=None, title=None)
        case "dividend" | "interest":
            yield of_kind(kind, amount, event)
        case "tax":
            yield of_kind("tax", -amount, event)
        case "other":
            yield _avanza_other(described, amount, units, event)
        case _:
            raise unknown("Typ av transaktion", said, AVANZA)


def _avanza_other(described: str, amount: Decimal, units: Decimal, event: Event) -> Event:
    """`Övrigt`: units of a fund that became another, a tax on the account, fees paid back."""
    said = described.casefold()
    if units and not amount:
        return replace(event, kind="merger_in" if units > 0 else "merger_out", units=abs(units))
    if "skatt" in said:
        return of_kind("tax", -amount, event)
    if "avgift" in said:
        return of_kind("fee", -amount, event)
    raise RowError(f"column Värdepapper/beskrivning: {described!r} says of no known kind what it is")


# ---- BUX ---------------------------------------------------------------------------------------------------


def _bux_event(record: Record) -> Event:
    at = record.instant("transaction time (cet)", zone="Europe/Amsterdam")
    asset = record.text("asset id")
    return Event(
        kind="",
        trade_date=record.day("transaction time (cet)", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"),
        occurred_at=at,
        instrument=f"isin:{asset}" if cells.is_isin(asset) else None,
        title=record.text("asset name") or None,
        currency=record.need("transaction currency"),
    )


def _bux(records: Sequence[Record]) -> Iterator[Event]:
    record = records[0]
    category = record.need("transaction category").casefold()
    said = record.need("transaction type")
    event, amount = _bux_event(record), record.number("transaction amount")
    if category == "trades" and said.casefold() in ("buy trade", "sell trade"):
        yield replace(
            event, kind=said.casefold().split()[0], units=record.size("asset quantity"), amount=abs(amount),
            price=record.size("asset price") or None,
        )  # fmt: skip
    elif category in ("deposits", "withdrawals"):
        kind = category.removesuffix("s")
        yield replace(event, kind=kind, amount=abs(amount), instrument=None, title=None)
    elif category == "fees":
        yield of_kind("fee", -amount, event)
    elif category == "dividends":
        tax = record.size("dividend tax amount")
        same = record.text("dividend currency") in ("", event.currency)
        yield of_kind(
            "dividend", amount + tax if same else amount, replace(event, tax=tax if same else NOTHING)
        )
    elif category == "interest" or (
        category == "others" and record.text("transfer type").startswith("CASH_")
    ):
        yield of_kind("interest", amount, event)
    elif category == "corporate_actions":
        yield _bux_split(records, event)
    else:
        raise RowError(f"column Transaction Type: unknown kind {category} {said!r}")


def _bux_split(records: Sequence[Record], event: Event) -> Event:
    """All units given back and others given for them, of one instrument: a split by their ratio."""
    given = {r.text("transfer type"): r.size("asset quantity") for r in records}
    if given.keys() != {"ASSET_REDEEM", "ASSET_DEPOSIT"} or not given["ASSET_REDEEM"]:
        raise RowError("column Transfer Type: a corporate action of one side")
    return replace(
        event, kind="split", units=given["ASSET_DEPOSIT"] / given["ASSET_REDEEM"], amount=None, currency="EUR"
    )


def _bux_groups(records: Sequence[Record]) -> Groups:
    """Each line alone; the two lines of a corporate action of one instrument and day together."""
    actions: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.text("transaction category").casefold() == "corporate_actions":
            key = (record.text("asset id"), record.text("transaction time (cet)")[:10])
            actions.setdefault(key, []).append(record)
        else:
            yield [record]
    yield from actions.values()


# ---- Delta -------------------------------------------------------------------------------------------------


def _delta_code(text: str) -> str:
    """Code without the name in brackets that tells two coins of one symbol apart."""
    return text.partition(" (")[0].strip().upper()


def _delta(record: Record) -> Iterator[Event]:
    way, sort = record.need("way").upper(), record.text("base type").upper()
    base = Quantity(record.size("base amount"), _delta_code(record.need("base currency (name)")))
    quote = Quantity(record.size("quote amount"), _delta_code(record.text("quote currency")))
    fee = Quantity(record.size("fee amount"), _delta_code(record.text("fee currency (name)")))
    at = record.instant("date")
    local = record.day("date", "%Y-%m-%d %H:%M:%S%z")
    event = Event(kind="", trade_date=at.date() if sort == "CRYPTO" else local, occurred_at=at)
    if way in ("BUY", "SELL") and sort == "STOCK":
        if not quote.is_money:
            raise RowError("column Quote currency: a share is paid in money")
        own = fee.code in ("", quote.code)
        yield replace(
            event, kind=way.lower(), instrument=f"ticker:{base.code}", units=base.size, amount=quote.size,
            currency=quote.code, fee=fee.size if own else NOTHING,
        )  # fmt: skip
        if fee.size and not own:
            yield charged(fee, event)
    elif way in ("BUY", "SELL"):
        paid, got = (quote, base) if way == "BUY" else (base, quote)
        if not paid.code or not got.code:
            raise RowError("column Quote currency: empty")
        yield from exchanged(paid, got, event, fee if fee.code else None)
    elif way == "DIVIDEND" and sort == "STOCK":
        own = fee.code in ("", quote.code)
        yield replace(
            event, kind="dividend", instrument=f"ticker:{base.code}", amount=quote.size, currency=quote.code,
            fee=fee.size if own else NOTHING,
        )  # fmt: skip
    elif way in ("DEPOSIT", "WITHDRAW"):
        if way == "DEPOSIT" and "DIVIDENDS" in record.text("sent/received from").upper():
            yield was_given(base, event)
        elif way == "DEPOSIT":
            yield came_in(base, event)
        else:
            yield went_out(base, event)
        if fee.size:
            yield charged(fee, event)
    else:
        raise unknown("Way", way, ("BUY", "SELL", "DIVIDEND", "DEPOSIT", "WITHDRAW"))


# ---- Directa -----------------------------------------------------------------------------------------------

DIRECTA = {
    "acquisto": "buy", "vendita": "sell", "conferimento": "deposit", "prelievo": "withdrawal",
    "bonifico": "withdrawal", "provento": "dividend", "dividendi": "dividend", "dividendo": "dividend",
    "cedola": "dividend", "coupon": "dividend", "rit.": "tax", "ritenuta": "tax", "imposta": "tax",
    "bollo": "tax", "commissioni": "fee", "commissione": "fee", "spese": "fee", "interessi": "interest",
}  # fmt: skip
"""Kinds by the first word of the type of operation."""


def _directa(record: Record) -> Iterator[Event]:
    said = record.need("tipo operazione")
    word = re.split(r"(?<=\.)|\s", said.casefold())[0]
    kind = DIRECTA.get(word)
    in_euro, foreign = record.number("importo euro"), record.number("importo divisa")
    currency = record.text("divisa").upper() or "EUR"
    amount, currency = (in_euro, "EUR") if in_euro or not foreign else (foreign, currency)
    isin = record.text("isin")
    order = record.text("riferimento ordine").strip()
    event = Event(
        kind="",
        trade_date=record.day("data operazione", "%d-%m-%Y"),
        settlement_date=record.day_or_none("data valuta", "%d-%m-%Y"),
        instrument=f"isin:{isin}" if cells.is_isin(isin) else None,
        title=record.text("descrizione") or None,
        currency=currency,
        source_id=f"{order} {record.text('isin')}" if order and order.strip("XY") else None,
    )
    if event.settlement_date is not None and event.settlement_date < event.trade_date:
        event = replace(event, settlement_date=None)  # the value date of a coupon may lie before its booking
    match kind:
        case "buy" | "sell":
            if event.instrument is None:
                raise RowError("column Isin: empty")
            yield replace(event, kind=kind, units=record.size("quantità"), amount=abs(amount))
        case "deposit" | "withdrawal":
            yield replace(event, kind=kind, amount=abs(amount), instrument=None, title=None)
        case "tax" | "fee":
            yield of_kind(kind, -amount, event)
        case str():
            yield of_kind(kind, amount, event)
        case _:
            raise unknown("Tipo operazione", said, DIRECTA)


# ---- finpension --------------------------------------------------------------------------------------------

FINPENSION = {
    "portfolio transaction": "trade", "dividend and interest distributions": "dividend",
    "flat-rate administration fee": "fee", "implementation fees": "fee", "interests": "interest",
    "transfer vested benefits": "money", "deposit": "money", "withdrawal": "money", "buy": "trade",
    "sell": "trade", "dividend": "dividend",
}  # fmt: skip


def _finpension(record: Record) -> Iterator[Event]:
    said = record.need("category")
    kind = FINPENSION.get(said.casefold())
    flow, units = record.number("cash flow"), record.number("number of shares")
    event = Event(kind="", trade_date=record.day("date", "%Y-%m-%d"), currency="CHF")
    named = replace(event, title=record.text("asset name") or None)
    match kind:
        case "trade":
            yield replace(
                named, kind="buy" if units > 0 else "sell", instrument=record.isin("isin"), units=abs(units),
                amount=abs(flow), price=record.size("asset price in chf"),
            )  # fmt: skip
        case "dividend":
            yield of_kind("dividend", flow, replace(named, instrument=record.isin("isin")))
        case "fee":
            yield of_kind("fee", -flow, event)
        case "interest":
            yield of_kind("interest", flow, event)
        case "money":
            yield replace(event, kind="deposit" if flow > 0 else "withdrawal", amount=abs(flow))
        case _:
            raise unknown("Category", said, FINPENSION)


# ---- Freetrade ---------------------------------------------------------------------------------------------

FREETRADE = {
    "order": "trade", "freeshare_order": "trade", "dividend": "dividend", "property": "dividend",
    "top_up": "deposit", "withdrawal": "withdrawal", "interest_from_cash": "interest",
    "subscription_fee": "fee", "sipp_annual_statement": "", "monthly_statement": "", "tax_certificate": "",
}  # fmt: skip


def _freetrade(record: Record) -> Iterator[Event]:
    """Total amounts are what the account was charged or credited: stamp duty and change of money in them."""
    said = record.need("type")
    kind = FREETRADE.get(said.casefold())
    if kind == "":
        raise PassedOver(f"a document: {record.text('title') or said}")
    total = record.number("total amount")
    at = record.instant("timestamp")
    order = record.text("order id")
    local = at.astimezone(ZoneInfo("Europe/London")).date()
    event = Event(
        kind="", trade_date=local, occurred_at=at, currency=record.need("account currency"),
        source_id=f"order {order}" if order else None,
    )  # fmt: skip
    match kind:
        case "trade":
            fee, tax = record.size("fx fee amount"), record.size("stamp duty")
            bought = record.need("buy / sell").upper() == "BUY"
            free = said.casefold() == "freeshare_order"
            # A free share is bought with money that the broker gives.
            if free:
                yield replace(event, kind="interest", amount=total, source_id=order and f"gift {order}")
            yield replace(
                event, kind="buy" if bought else "sell", instrument=record.isin("isin"),
                title=record.text("title") or None, units=record.size("quantity"), fee=fee, tax=tax,
                amount=total - fee - tax if bought else total + fee + tax,
            )  # fmt: skip
        case "dividend":
            yield _freetrade_dividend(record, event, total)
        case "deposit" | "withdrawal" | "interest":
            yield replace(event, kind=kind, amount=abs(total))
        case "fee":
            yield of_kind("fee", abs(total), event)
        case _:
            raise unknown("Type", said, FREETRADE)


def _freetrade_dividend(record: Record, event: Event, total: Decimal) -> Event:
    """Paid in the account's money; the tax kept abroad is turned into it at the file's own rate."""
    tax = record.size("dividend withheld tax amount")
    if record.text("instrument currency") != event.currency:
        tax *= record.number("base fx rate")
    fee = record.size("fx fee amount")
    tax = tax.quantize(Decimal("0.01"))
    return replace(
        event, kind="dividend", instrument=record.isin("isin"), title=record.text("title") or None,
        amount=total + tax + fee, tax=tax, fee=fee,
    )  # fmt: skip


# ---- InvestEngine ------------------------------------------------------------------------------------------


def _investengine(record: Record) -> Iterator[Event]:
    said = record.need("transaction type").casefold()
    if said not in ("buy", "sell"):
        raise unknown("Transaction Type", said, ("Buy", "Sell"))
    title, _, isin = record.need("security / isin").rpartition(" / ISIN ")
    if not cells.is_isin(isin):
        raise RowError(f"column Security / ISIN: {isin!r} is no ISIN")
    amount, currency = record.money("total trade value")
    yield Event(
        kind=said,
        trade_date=record.day("trade date/time", "%d/%m/%y %H:%M:%S"),
        occurred_at=record.instant("trade date/time", "%d/%m/%y %H:%M:%S", zone="Europe/London"),
        settlement_date=record.day_or_none("settlement date", "%d/%m/%y"),
        instrument=f"isin:{isin}",
        title=title or None,
        units=record.size("quantity"),
        price=record.size("share price"),
        amount=abs(amount),
        currency=currency or "GBP",
    )


# ---- Investimental -----------------------------------------------------------------------------------------


def _investimental(records: Sequence[Record]) -> Iterator[Event]:
    """Updates of one order in time: each fill books what volume and fee of the order fell by."""
    volume, fee_left, fills = NOTHING, NOTHING, 0
    ordered = sorted(enumerate(records), key=lambda pair: (pair[1].text("update time"), pair[0]))
    for _, record in ordered:
        now, fee_now = record.number("volume"), record.size("fee")
        if record.text("update type") != "Fil":
            if record.text("request status") not in ("Deleted", "Rejected"):
                volume, fee_left = now, fee_now
            continue
        whole = record.text("status") == "Inactive"  # the last fill shows the volume that it took
        units, fee = (volume, fee_left) if whole else (volume - now, fee_left - fee_now)
        volume, fee_left, fills = now, fee_now, fills + 1
        if units <= 0 or fee < 0:
            raise RowError(f"column Volume: a fill of {units}: an update before it is missing")
        side = record.need("side").casefold()
        if side not in ("buy", "sell"):
            raise unknown("Side", side, ("Buy", "Sell"))
        account, price = record.text("account name"), record.number("price")
        yield Event(
            kind=side,
            trade_date=record.day("update time", "%Y-%m-%d %H:%M:%S"),
            occurred_at=record.instant("update time", "%Y-%m-%d %H:%M:%S", zone="Europe/Bucharest"),
            instrument=f"source:{record.need('exchange').lower()}/{record.need('symbol')}",
            title=record.text("symbol") or None,
            units=units,
            price=price,
            amount=units * price,
            currency=account[account.rfind("[") + 1 : account.rfind("]")] if "[" in account else None,
            fee=fee,
            account=record.text("account id") or None,
            source_id=f"trade {record.need('last trade ticket')}",
        )
    if not fills:
        raise PassedOver("an order that was not filled")


def _by_order(records: Sequence[Record]) -> Groups:
    orders: dict[str, list[Record]] = {}
    for record in records:
        orders.setdefault(record.text("order number"), []).append(record)
    return orders.values()


# ---- Parqet ------------------------------------------------------------------------------------------------

PARQET = {
    "buy": "buy", "sell": "sell", "dividend": "dividend", "transferin": "transfer_in",
    "transferout": "transfer_out", "deposit": "deposit", "withdrawal": "withdrawal", "interest": "interest",
    "cost": "fee", "fee": "fee",
}  # fmt: skip


def _parqet(record: Record) -> Iterator[Event]:
    """Amounts are gross; tax and fee are signed costs, a negative tax one that was paid back."""
    said = record.need("type")
    kind = PARQET.get(said.casefold())
    tax, fee, amount = record.number("tax"), record.number("fee"), record.size("amount")
    identifier, sort = record.text("identifier"), record.text("assettype").casefold()
    coin = sort in ("crypto", "cryptocurrency")
    name = f"isin:{identifier}" if cells.is_isin(identifier) else None
    if name is None and identifier:
        name = f"coin:{identifier}" if coin else f"source:parqet/{identifier}"
    at = record.instant("datetime")
    event = Event(
        kind="",
        trade_date=record.day("date", "%d.%m.%Y"),
        occurred_at=at,
        currency=record.text("originalcurrency", "currency") or None,
    )
    event = replace(event, currency=record.text("currency") or None)
    named = replace(event, instrument=name, title=record.text("holdingname") or None)
    if kind is None:
        raise unknown("type", said, PARQET)
    if kind in ("buy", "sell", "dividend", "transfer_in", "transfer_out") and name is None:
        raise RowError("column identifier: empty")
    if kind in ("buy", "sell", "transfer_in", "transfer_out"):
        yield replace(
            named, kind=kind, units=record.size("shares"), price=record.size("price"), amount=amount,
            fee=max(fee, NOTHING), tax=max(tax, NOTHING),
        )  # fmt: skip
    elif kind == "dividend":
        yield of_kind("dividend", amount, replace(named, fee=max(fee, NOTHING), tax=max(tax, NOTHING)))
    elif kind in ("deposit", "withdrawal"):
        yield replace(event, kind=kind, amount=amount)
    else:
        yield of_kind(kind, amount, replace(event, tax=max(tax, NOTHING)))
    for cost, size in (("tax", tax), ("fee", fee)):
        if size < 0:
            yield of_kind(cost, size, named)


# ---- Rabobank ----------------------------------------------------------------------------------------------

RABOBANK = {
    "koop": "buy", "verkoop": "sell", "contant dividend": "dividend", "storting / opname": "money",
    "tarieven en services": "fee", "rente beleggersrekening": "interest", "bewaarloon": "fee",
}  # fmt: skip


def _rabobank(record: Record) -> Iterator[Event]:
    """`Waarde` is gross, `Bedrag` what the account was charged or credited."""
    said = record.need("type mutatie")
    kind = RABOBANK.get(said.casefold()) or RABOBANK.get(said.casefold().split()[0])
    paid, gross = record.number("bedrag"), record.size("waarde")
    day = record.day("datum", "%d-%m-%Y")
    timed = replace(record, cells={**record.cells, "at": f"{day} {record.text('tijd')}"})
    event = Event(
        kind="",
        trade_date=day,
        occurred_at=timed.instant("at", zone="Europe/Amsterdam") if record.text("tijd") else None,
        currency=record.text("valuta mutatie") or "EUR",
        account=record.text("portefeuille") or None,
    )
    named = replace(event, title=record.text("naam") or None)
    match kind:
        case "buy" | "sell":
            fee = abs(paid) - gross if kind == "buy" else gross - abs(paid)
            if fee < 0:
                raise RowError(f"column Bedrag: {paid} is less than the value {gross} by more than no costs")
            yield replace(
                named, kind=kind, instrument=record.isin("isin code"), units=record.size("volume"),
                price=record.size("koers"), amount=gross, fee=fee,
            )  # fmt: skip
        case "dividend":
            yield replace(
                named, kind="dividend", instrument=record.isin("isin code"), amount=gross, tax=gross - paid
            )
        case "money":
            yield replace(event, kind="deposit" if paid > 0 else "withdrawal", amount=abs(paid))
        case "fee":
            yield of_kind("fee", -paid, event)
        case "interest":
            yield of_kind("interest", paid, event)
        case _:
            raise unknown("Type mutatie", said, RABOBANK)


# ---- Revolut -----------------------------------------------------------------------------------------------


def _revolut_shares(record: Record) -> Iterator[Event]:
    said = record.need("type").upper()
    total, written = record.money("total amount")
    currency = record.need("currency")
    if written not in (None, currency):
        raise RowError(f"column Total Amount: in {written}, but the currency is {currency}")
    ticker = record.text("ticker")
    at = record.instant("date")
    event = Event(kind="", trade_date=at.date(), occurred_at=at, currency=currency)
    named = replace(event, instrument=f"ticker:{ticker}") if ticker else event
    side, units = said.split(" ")[0], record.size("quantity")
    if side in ("BUY", "SELL") and ticker:
        yield replace(
            named, kind=side.lower(), units=units, price=record.size("price per share"), amount=abs(total)
        )
    elif said in ("CASH TOP-UP", "CASH WITHDRAWAL"):
        yield replace(event, kind="deposit" if said == "CASH TOP-UP" else "withdrawal", amount=abs(total))
    elif said.startswith("DIVIDEND") and ticker:
        yield of_kind("dividend", total, named)
    elif "FEE" in said:
        yield of_kind("fee", -total, event)
    elif said == "STOCK SPLIT" and ticker:
        yield replace(named, kind="bonus", units=units)
    elif said.startswith("TRANSFER FROM REVOLUT"):
        raise PassedOver(f"moved within the account: {said.lower()}")
    else:
        raise RowError(f"column Type: unknown kind {said!r}")


REVOLUT_COINS: Mapping[str, Callable[[Quantity, Event], Event]] = {
    "send": went_out,
    "receive": came_in,
    "staking reward": was_given,
    "learn reward": was_given,
}


def _revolut_coins(record: Record) -> Iterator[Event]:
    said = record.need("type").casefold()
    what = Quantity(record.size("quantity"), record.need("symbol").upper())
    value, currency = record.money("value")
    fee, fee_currency = record.money("fees")
    at = record.instant("date", "%b %d, %Y, %I:%M:%S %p")
    event = Event(kind="", trade_date=at.date(), occurred_at=at, currency=currency)
    if said in ("buy", "sell"):
        if currency is None:
            raise RowError("column Value: without a currency")
        if fee and fee_currency != currency:
            raise RowError(f"column Fees: in {fee_currency}, the value is in {currency}")
        money = Quantity(abs(value), currency)
        paid, got = (money, what) if said == "buy" else (what, money)
        yield from exchanged(paid, got, event, Quantity(fee, currency))
    elif said in ("stake", "unstake"):
        raise PassedOver(f"moved within the account: {said}")
    elif said in REVOLUT_COINS:
        yield REVOLUT_COINS[said](what, event)
    else:
        raise unknown("Type", said, ("buy", "sell", "stake", "unstake", *REVOLUT_COINS))


def _without_foot(found: Table) -> Sequence[Record]:
    return [record for record in found.records if record.text("type", "date")]


FORMATS = (
    Delimited(
        "avanza", "Avanza",
        columns("Datum|Konto|Typ av transaktion|Antal|Kurs|Belopp|Transaktionsvaluta|ISIN"),
        one(_avanza), ";,", ",",
    ),
    Delimited(
        "bux", "BUX",
        columns("Transaction Time (CET)|Transaction Category|Transaction Type|Transaction Amount|Asset Id"),
        _bux, group=_bux_groups,
    ),
    Delimited(
        "delta", "Delta",
        columns("Date|Way|Base amount|Base currency (name)|Base type|Quote amount|Quote currency"),
        one(_delta),
    ),
    Delimited(
        "directa", "Directa",
        columns("Data operazione|Data valuta|Tipo operazione|Isin|Quantità|Importo euro|Divisa"),
        one(_directa), ",;",
    ),
    Delimited(
        "finpension", "finpension",
        columns("Date|Category|ISIN|Number of Shares|Asset Price in CHF|Cash Flow|Balance"),
        one(_finpension), ";,",
    ),
    Delimited(
        "freetrade", "Freetrade",
        columns("Title|Type|Timestamp|Account Currency|Total Amount|Buy / Sell|ISIN|Quantity|Order ID"),
        one(_freetrade),
    ),
    Delimited(
        "investengine", "InvestEngine",
        columns("Security / ISIN|Transaction Type|Quantity|Share Price|Total Trade Value|Trade Date/Time"),
        one(_investengine),
    ),
    Delimited(
        "investimental", "Investimental",
        columns("Order Number|Side|Exchange|Symbol|Price|Volume|Value|Fee|Update Type|Update Time|Status"),
        _investimental, group=_by_order,
    ),
    Delimited(
        "parqet", "Parqet",
        columns("datetime|date|price|shares|amount|tax|fee|type|assettype|identifier|currency"),
        one(_parqet), ";,", ",",
    ),
    Delimited(
        "rabobank", "Rabobank",
        columns("Portefeuille|Naam|Datum|Type mutatie|Valuta mutatie|Volume|Koers|Waarde|Bedrag|Isin code"),
        one(_rabobank), ";,", ",",
    ),
    Delimited(
        "revolut_shares", "Revolut (shares)",
        columns("Date|Ticker|Type|Quantity|Price per share|Total Amount|Currency|FX Rate"),
        one(_revolut_shares),
    ),
    Delimited(
        "revolut_coins", "Revolut (crypto)", columns("Symbol|Type|Quantity|Price|Value|Fees|Date"),
        one(_revolut_coins), prepare=_without_foot,
    ),
)  # fmt: skip
