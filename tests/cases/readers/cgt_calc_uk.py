"""Cases of capital-gains-calculator: sales by same day, thirty days and pool, in pounds."""

import re
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from folio.figures.lots.events import ZERO, LotEvent, LotHistory, LotMatch
from folio.figures.lots.matching import match_lots
from tests.cases.case import Case, Differs, only

RULES = {"same_day": "SAME_DAY", "later_days": "BED_AND_BREAKFAST", "pool": "SECTION_104"}
CENT, LOGGED = Decimal("0.01"), Decimal("0.0001")
MONEY = Decimal("1e-8")
NO_LOTS = {
    *("TRANSFER", "DIVIDEND", "DIVIDEND_TAX", "TAX", "CAPITAL_GAIN", "REINVEST_DIVIDENDS", "INTEREST"),
    *("FEE", "ADJUSTMENT", "WIRE_FUNDS_RECEIVED"),
}
BUYS, SALES = ("BUY", "STOCK_ACTIVITY", "REINVEST_SHARES"), ("SELL", "CASH_MERGER")
RATES = re.compile(r"fx_([a-z]{3})_per_gbp_by_date")
INCOME = ("uk_interest", "foreign_interest", "dividends_taxable", "dividend_gain")


def read_hmrc(case: Case) -> None:
    """Gain of the tax year, the log of each sale, the pool after each day; the case may say no more."""
    given, expected = case.inputs, case.expected
    rates = [name for name in given if RATES.fullmatch(name)]
    only(given, "tax_year", "tax_year_runs", "transactions", "current_prices", "report_currency", *rates)
    only(expected, "capital_gain", "unrealized_gains", "calculation_log", *INCOME)
    assert given["report_currency"] == "GBP"
    if any(row["action"] == "FEE" and row.get("symbol") for row in given["transactions"]):
        raise Differs("Fees that buy nothing")
    events, fees = _events(given)
    histories = {symbol: match_lots(sequence, "section_104") for symbol, sequence in events.items()}
    year = given["tax_year"]
    first, last = date(year, 4, 6), date(year + 1, 4, 5)
    disposals: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for symbol, history in histories.items():
        for match in history.matches:
            if first <= match.close_date <= last:
                disposals[symbol, match.close_date] += match.gain
    gain = sum((each.quantize(CENT, ROUND_HALF_UP) for each in disposals.values()), start=ZERO)
    _near(gain, expected["capital_gain"], CENT, "capital gain")
    for day, entries in (expected["calculation_log"] or {}).items():
        for name, log in entries.items():
            action, symbol = name.split("$")
            assert action in ("buy", "sell"), f"no reader knows the entry {name}"
            _check_day(histories[symbol], date.fromisoformat(day), log[-1], entries, action, symbol)
            if action == "sell":
                _check_sale(histories[symbol], date.fromisoformat(day), log, fees[symbol])
    if expected["unrealized_gains"] is not None:
        prices = given["current_prices"] or {}
        unrealised = sum(
            (
                lot.units_open * Decimal(str(prices[symbol])) - lot.tax_cost_open
                for symbol, sequence in events.items()
                for lot in match_lots(
                    [event for event in sequence if event.event_date <= last], "section_104"
                ).open_lots
            ),
            start=ZERO,
        )
        _near(unrealised, expected["unrealized_gains"], CENT, "unrealised gain")
    if any(Decimal(expected.get(figure) or 0) for figure in INCOME):
        raise Differs("Income tax on dividends and interest")


def _events(given: Any) -> tuple[dict[str, list[LotEvent]], dict[str, dict[date, Decimal]]]:
    """Events by symbol, and the fees of each day's sale; sales of a day are one sale (TCGA 1992, s. 105)."""
    events: dict[str, list[LotEvent]] = defaultdict(list)
    fees: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    rows = sorted(enumerate(given["transactions"]), key=lambda row: row[1]["date"])
    for number, row in rows:
        only(
            row, "date", "action", "symbol", "quantity", "price", "fees", "amount", "currency",
            "foreign_fees", "isin", "broker", "description",
        )  # fmt: skip
        action, day = row["action"], date.fromisoformat(row["date"])
        if action in NO_LOTS:
            continue
        assert not row.get("foreign_fees"), "fees in another currency than the amount"
        rate = _per_gbp(given, row["currency"], row["date"])
        symbol, units = row["symbol"], Decimal(row["quantity"])
        name = f"{number}-{action.lower()}"
        if action in BUYS:
            paid = units * Decimal(row["price"] or 0) + Decimal(row["fees"])
            if Decimal(row["amount"] or 0):
                paid = -Decimal(row["amount"])
            cost = (paid / rate).quantize(MONEY)
            events[symbol].append(LotEvent(name, day, "open", units, cost, cost))
        elif action in SALES:
            brought = (Decimal(row["amount"]) / rate).quantize(MONEY)
            fees[symbol][day] += Decimal(row["fees"]) / rate
            sold = [event for event in events[symbol] if event.kind == "close" and event.event_date == day]
            if sold:
                events[symbol].remove(sold[0])
                units, brought = units + sold[0].units, brought + sold[0].proceeds
            events[symbol].append(LotEvent(name, day, "close", units, proceeds=brought))
        else:
            assert action == "STOCK_SPLIT", f"no reader knows the action {action}"
            events[symbol].append(LotEvent(name, day, "bonus_spread", units))
    return events, fees


def _check_sale(history: LotHistory, day: date, log: list[Any], fees: dict[date, Decimal]) -> None:
    """Each rule's units, cost, net amount and gain, fees by units."""
    sold: dict[str, list[LotMatch]] = defaultdict(list)
    for match in history.matches:
        if match.close_date == day:
            name = RULES[match.rule]
            later = match.acquisition_date.isoformat() if match.rule == "later_days" else ""
            sold[name + later].append(match)
    units = sum((match.units for parts in sold.values() for match in parts), start=ZERO)
    assert len(log) == len(sold), (log, sold)
    for entry in log:
        only(
            entry, "rule_type", "quantity", "amount", "allowable_cost", "fees", "gain", "new_quantity",
            "new_pool_cost", "bed_and_breakfast_date_index", "eris", "spin_off",
        )  # fmt: skip
        assert not entry.get("eris")
        parts = sold[entry["rule_type"] + (entry.get("bed_and_breakfast_date_index") or "")]
        quantity = sum((part.units for part in parts), start=ZERO)
        cost = sum((part.tax_cost for part in parts), start=ZERO)
        proceeds = sum((part.proceeds for part in parts), start=ZERO)
        fee = fees[day] * quantity / units
        for figure, found in {
            "quantity": quantity,
            "amount": proceeds,
            "fees": fee,
            "allowable_cost": cost + fee,
            "gain": proceeds - cost,
        }.items():
            _near(found, entry[figure], LOGGED, f"{day} {entry['rule_type']} {figure}")


def _check_day(
    history: LotHistory, day: date, entry: Any, entries: dict[str, Any], action: str, symbol: str
) -> None:
    """Units and pool cost at the close of the day, which its last entry shows."""
    if action == "buy" and f"sell${symbol}" in entries:
        return
    (interval,) = [
        held
        for held in history.intervals
        if held.valid_from <= day and (held.valid_to is None or day <= held.valid_to)
    ]
    _near(interval.units, entry["new_quantity"], LOGGED, f"{day} units held")
    _near(interval.tax_cost, entry["new_pool_cost"], LOGGED, f"{day} cost of the pool")


def _per_gbp(given: Any, currency: str, day: str) -> Decimal:
    """Rate of the latest day on or before; where a case names no rates, all money is pounds."""
    tables = {match[1].upper(): given[name] for name in given if (match := RATES.fullmatch(name))}
    if currency == "GBP" or not any(tables.values()):
        return Decimal(1)
    rates = tables.get(currency)
    assert rates, f"no rates of {currency}"
    return Decimal(str(rates[max(known for known in rates if known <= day)]))


def _near(found: Decimal, wanted: Any, tolerance: Decimal, what: str) -> None:
    assert abs(found - Decimal(str(wanted))) < tolerance, f"{what}: {found}, not {wanted}"


READERS = {"hmrc": read_hmrc}
