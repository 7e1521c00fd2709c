"""Cases of Portfolio Performance about lots: cost, capital gains and trades, by FIFO and moving average."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from folio.figures.lots.events import ZERO, LotEvent, LotHistory, LotMatch, LotRules, Method
from folio.figures.lots.matching import match_lots
from folio.figures.returns.cashflows import xirr
from folio.figures.returns.gains import period_gains
from tests.cases.case import Case, Differs, only
from tests.cases.readers.portfolio_performance import Ledger

METHODS: dict[str, Method] = {"fifo": "fifo", "moving_average": "average"}
SIDES = {
    **dict.fromkeys(("BUY", "DELIVERY_INBOUND", "TRANSFER_IN"), "open"),
    **dict.fromkeys(("SELL", "DELIVERY_OUTBOUND", "TRANSFER_OUT"), "close"),
}
MOVES_NO_LOTS = frozenset(
    {"DIVIDENDS", "DIVIDEND", "INTEREST", "INTEREST_CHARGE", "FEES", "FEES_REFUND", "TAXES", "TAX_REFUND"}
)
CENT = Decimal("0.01")


def read_cost(case: Case) -> None:
    only(case.inputs, "transactions", "period", "fx", "report_currency")
    _refuse_earlier_lots(case)
    for name, wanted in case.expected.items():
        stem, currency = _in_currency(name, "cost_fifo", "cost_moving_average")
        history = _history(case, METHODS[stem.removeprefix("cost_")], currency)
        cost = sum((lot.tax_cost_open for lot in history.open_lots), start=ZERO)
        _near(cost, wanted, name)


def read_gains(case: Case) -> None:
    """Realised and unrealised gains without fees and taxes, since the period began if lots are older."""
    only(case.inputs, "transactions", "prices", "period", "fx", "report_currency")
    if _has_earlier_lots(case):
        ledger = Ledger(case.inputs)
        (instrument,) = ledger.instruments
        span = (ledger.currency, ledger.start, ledger.end)
        by_method = {
            name: period_gains(ledger.bookings, ledger.market, instrument, *span, method)
            for name, method in METHODS.items()
        }
        for name, wanted in case.expected.items():
            what, _, method = name.partition("_")
            assert method in by_method, f"no reader knows the figure {name}"
            _near(getattr(by_method[method], what), wanted, name)
        return
    for name, wanted in case.expected.items():
        stem, currency = _in_currency(
            name, *(f"{what}_{method}" for what in ("realised", "unrealised") for method in METHODS)
        )
        what, method = stem.split("_", 1)
        history = _history(case, METHODS[method], currency, with_fees=False)
        if what == "realised":
            found = sum((match.proceeds - match.price_cost for match in history.matches), start=ZERO)
        else:
            units = sum((lot.units_open for lot in history.open_lots), start=ZERO)
            cost = sum((lot.price_cost_open for lot in history.open_lots), start=ZERO)
            found = units * _latest(case.inputs["prices"])[1] - cost if units else ZERO
        _near(found, wanted, name)


def read_trades(case: Case) -> None:
    """One trade a closing transaction, and one for what is open, valued at the latest price."""
    given = case.inputs
    only(given, "transactions", "prices", "prices_usd", "fx", "report_currency")
    currency = given.get("report_currency")
    trades = _trades(case, currency)
    assert len(trades) == len(case.expected["trades"])
    only(case.expected, "trades")
    for trade, expected in zip(trades, case.expected["trades"], strict=True):
        only(
            expected, "closed", "long", "shares", "start", "end", "entry_value", "exit_value", "profit",
            "return", "irr", "entry_value_moving_average",
        )  # fmt: skip
        for figure, wanted in expected.items():
            found = trade[figure]
            if figure in ("closed", "long", "start", "end"):
                assert found == wanted, (figure, found)
            elif figure == "irr":
                if wanted is not None:
                    assert found == pytest.approx(float(wanted), abs=1e-4)
            elif figure == "return":
                assert float(found) == pytest.approx(float(wanted), abs=1e-8)
            elif wanted is not None:
                _near(found, wanted, figure)


def _trades(case: Case, currency: str | None) -> list[dict[str, Any]]:
    rules = LotRules(shorts="carried", money=CENT)
    events = _events(case, currency)
    history = match_lots(events, "fifo", rules)
    averaged = match_lots(events, "average", rules)
    trades = []
    for event in events:
        parts = [match for match in history.matches if match.closing_event_id == event.event_id]
        if parts:
            pooled = [match for match in averaged.matches if match.closing_event_id == event.event_id]
            trades.append(_trade(parts, pooled, event.event_date, closed=True))
    if history.open_lots:
        day, price = _latest_in(case, currency)
        sides = [_valued(found, day, price) for found in (history, averaged)]
        trades.append(_trade(*sides, day, closed=False))
    return sorted(trades, key=lambda trade: not trade["closed"])


def _valued(history: LotHistory, day: date, price: Decimal) -> list[LotMatch]:
    """Open lots as if closed at the price."""
    return [
        LotMatch(
            "open", lot.lot_id, lot.acquisition_date, day, lot.units_open, lot.price_cost_open,
            lot.tax_cost_open, lot.units_open * price, "lot" if lot.units_open > 0 else "short",
        )
        for lot in history.open_lots
    ]  # fmt: skip


def _trade(parts: list[LotMatch], averaged: list[LotMatch], end: date, *, closed: bool) -> dict[str, Any]:
    entry = abs(sum((part.tax_cost for part in parts), start=ZERO))
    exit_value = abs(sum((part.proceeds for part in parts), start=ZERO))
    profit = sum((part.gain for part in parts), start=ZERO)
    is_long = parts[0].units > 0
    start = min(part.acquisition_date for part in parts)
    flows = [(part.acquisition_date, -abs(float(part.tax_cost))) for part in parts]
    flows.append((end, float(exit_value if is_long else entry + profit)))  # a short's proceeds are its stake
    dates, amounts = zip(*flows, strict=True)
    return {
        "closed": closed,
        "long": is_long,
        "shares": abs(sum((part.units for part in parts), start=ZERO)),
        "start": start.isoformat(),
        "end": end.isoformat() if closed else None,
        "entry_value": entry,
        "entry_value_moving_average": abs(sum((part.tax_cost for part in averaged), start=ZERO)),
        "exit_value": exit_value,
        "profit": profit,
        "return": profit / entry if entry else None,
        "irr": xirr(np.array(dates, dtype="datetime64[D]"), np.array(amounts)) if flows[-1][1] > 0 else None,
    }


def _history(case: Case, method: Method, currency: str | None, *, with_fees: bool = True) -> LotHistory:
    return match_lots(_events(case, currency, with_fees=with_fees), method, LotRules(money=CENT))


def _events(case: Case, currency: str | None, *, with_fees: bool = True) -> list[LotEvent]:
    """Transactions in order; amounts hold fees and taxes, which gains leave out."""
    rows = [row for row in case.inputs["transactions"] if row["type"] not in MOVES_NO_LOTS]
    moved = {
        side: sorted(
            (row["date"], Decimal(row["shares"])) for row in rows if row["type"] == f"TRANSFER_{side}"
        )
        for side in ("IN", "OUT")
    }
    if moved["IN"] == moved["OUT"]:  # from one of the client's portfolios to another: nothing is sold
        rows = [row for row in rows if not row["type"].startswith("TRANSFER_")]
    events = []
    for number, row in enumerate(rows):
        only(
            row, "date", "type", "shares", "amount", "price", "gross_forex", "exchange_rate", "fees", "taxes",
            "security",
        )  # fmt: skip
        units = Decimal(row["shares"])
        extra = sum((_money(row[part], currency) for part in ("fees", "taxes") if row.get(part)), start=ZERO)
        amount = units * Decimal(row["price"]) if "price" in row else _amount(row, currency)
        opens = SIDES[row["type"]] == "open"
        gross = amount - extra if opens else amount + extra
        events.append(
            LotEvent(
                str(number),
                date.fromisoformat(row["date"][:10]),
                "open" if opens else "close",
                units,
                price_cost=gross if opens else ZERO,
                tax_cost=(amount if with_fees else gross) if opens else ZERO,
                proceeds=ZERO if opens else amount if with_fees else gross,
            )
        )
    return sorted(events, key=lambda event: event.event_date)


def _amount(row: Mapping[str, Any], currency: str | None) -> Decimal:
    """Amount in the currency asked for: as booked, or as traded in the security's own."""
    stated = [row[name] for name in ("amount", "gross_forex") if name in row]
    for text in stated:
        if currency is None or text.split()[1:] in ([], [currency]):
            return Decimal(text.split()[0])
    raise AssertionError(f"no amount in {currency} in {stated}")


def _money(text: str, currency: str | None) -> Decimal:
    amount, *code = str(text).split()
    assert not code or currency is None or code == [currency], f"{text} is not in {currency}"
    return Decimal(amount)


def _refuse_earlier_lots(case: Case) -> None:
    """What was held when the period began is worth that day's price there; Folio's cost is what was paid."""
    if _has_earlier_lots(case):
        raise Differs("Cost of what was held before the period")


def _has_earlier_lots(case: Case) -> bool:
    """Whether something was held when the period began."""
    period = case.inputs.get("period")
    rows = case.inputs["transactions"]
    if not period or all(row["date"][:10] > period[0] for row in rows):
        return False
    units = sum(
        (
            Decimal(row["shares"]) * (1 if SIDES[row["type"]] == "open" else -1)
            for row in rows
            if row["type"] in SIDES and row["date"][:10] <= period[0]
        ),
        start=ZERO,
    )
    return bool(units)


def _latest(prices: Mapping[str, str]) -> tuple[date, Decimal]:
    day = max(prices)
    return date.fromisoformat(day), Decimal(prices[day])


def _latest_in(case: Case, currency: str | None) -> tuple[date, Decimal]:
    """Latest price in the currency asked for; dollars turn into euros at the rate on or before its day."""
    if "prices" in case.inputs:
        return _latest(case.inputs["prices"])
    day, price = _latest(case.inputs["prices_usd"])
    if currency == "USD":
        return day, price
    assert currency in (None, "EUR"), f"no rates to {currency}"
    rates = case.inputs["fx"]["EURUSD"]
    known = [known for known in rates if known <= day.isoformat()] or [min(rates)]
    return day, price / Decimal(rates[max(known)])


def _in_currency(name: str, *stems: str) -> tuple[str, str | None]:
    """Figure and currency of a name such as cost_fifo_EUR."""
    if name in stems:
        return name, None
    stem, _, currency = name.rpartition("_")
    assert stem in stems, f"no reader knows the figure {name}"
    return stem, currency


def _near(found: Decimal, wanted: Any, what: str) -> None:
    assert abs(found - Decimal(str(wanted))) <= Decimal("0.005"), f"{what}: {found}, not {wanted}"


READERS = {"cost": read_cost, "gains": read_gains, "trades": read_trades}
