"""Cases of Wealthfolio: cash across currencies, and returns that large deposits must not blow up."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from folio.figures.ledger import Account, Booking, DatedNumbers, Held, Market, walk
from folio.figures.returns.periods import DailyBook, result_between
from tests.cases.case import Case, only

KINDS = {
    "DEPOSIT": "deposit",
    "WITHDRAWAL": "withdrawal",
    "BUY": "buy",
    "SELL": "sell",
    "DIVIDEND": "dividend",
    "INTEREST": "interest",
    "FEE": "fee",
    "TAX": "tax",
    "TRANSFER_IN": "deposit",
    "TRANSFER_OUT": "withdrawal",
}
"""Kinds of activities in cash; what moves without a symbol is money."""
EVERY_DAY = re.compile(r"(\S+)\.\.(\S+) \(every day\)")
STEP = re.compile(r"(?P<first>[\d.]+) (?P<sign>[+-]) (?P<step>[\d.]+) per day cumulative")


def booking(fields: Mapping[str, Any], account_currency: str) -> Booking:
    """An activity with the rate it carries; fees lower cash and not cost."""
    only(
        fields,
        *("date", "type", "symbol", "quantity", "unit_price", "amount", "fee", "currency", "fx_rate"),
    )
    kind = KINDS[fields["type"]]
    assert not (fields["type"].startswith("TRANSFER") and fields.get("symbol")), "a transfer of units"
    units = Decimal(fields.get("quantity", "0"))
    amount = (
        Decimal(fields["amount"]) if fields.get("amount") else units * Decimal(fields.get("unit_price", "0"))
    )
    rate = fields.get("fx_rate")
    return Booking(
        booked_on=date.fromisoformat(fields["date"]),
        kind=kind,
        amount=amount,
        instrument=fields.get("symbol") if kind in ("buy", "sell") else None,
        units=units if kind in ("buy", "sell") else Decimal(0),
        fee=Decimal(fields.get("fee", "0")),
        currency=fields.get("currency", account_currency),
        fx_rate=None if rate is None else Decimal(rate),
    )


def check_fx(case: Case) -> None:
    """Cash of the account: every booking lands in its currency, at its own rate before the market's."""
    inputs = case.inputs
    rates = {name for name in inputs if name.startswith("market_fx_")}
    only(inputs, "account_currency", "activities", *rates)
    currency = inputs["account_currency"]
    market = Market(
        rates={
            (name[-6:-3], name[-3:]): DatedNumbers(
                {date.fromisoformat(text): Decimal(rate) for text, rate in inputs[name].items()}
            )
            for name in rates
        }
    )
    bookings = [booking(fields, currency) for fields in inputs["activities"]]
    days = walk(bookings, market, Account(currency), max(each.booked_on for each in bookings))
    last = days[-1]
    (held, *others) = last.held.values() or [Held()]
    assert not others, "positions of several symbols in one figure"
    found: dict[str, Decimal] = {
        "quantity": held.units,
        "total_cost_basis": held.cost_local,
        "average_cost": held.cost_local / held.units if held.units else Decimal(0),
        "net_contribution": sum((day.net_flow for day in days), start=Decimal(0)),
    }
    for figure, value in case.expected.items():
        name, _, held_in = figure.partition("_")
        if value is None:
            continue
        if name == "cash":
            assert (last.cash if held_in == currency else 0) == Decimal(value), figure
        else:
            assert figure in found, f"no figure {figure!r}"
            assert found[figure] == Decimal(value), figure


def days_of(valuations: list[Mapping[str, Any]]) -> Iterator[tuple[date, Decimal, Decimal]]:
    """Day, value and contribution so far; a row may stand for every day of a span, with a step a day."""
    for row in valuations:
        only(row, "date", "total_value", "net_contribution")
        span = EVERY_DAY.fullmatch(row["date"])
        first, last = (date.fromisoformat(text) for text in (span.groups() if span else [row["date"]] * 2))
        for ordinal in range((last - first).days + 1):
            step = STEP.fullmatch(row["total_value"])
            if step:
                change = Decimal(step["sign"] + step["step"]) * (ordinal + 1)
                value = Decimal(step["first"]) + change
            else:
                value = Decimal(row["total_value"])
            yield first + timedelta(days=ordinal), value, Decimal(row["net_contribution"])


def check_performance(case: Case) -> None:
    """Gain, simple return and daily-linked modified Dietz from the first valuation to the last."""
    only(case.inputs, "valuations")
    days = list(days_of(case.inputs["valuations"]))
    contributed = [days[0][2], *(each[2] for each in days)]
    flows = [later - earlier for earlier, later in pairwise(contributed)]
    nothing = np.array([Decimal(0)] * len(days), dtype=object)
    value = np.array([each[1] for each in days], dtype=object)
    change = np.array([Decimal(0), *(value[1:] - value[:-1])], dtype=object)
    book = DailyBook(
        dates=np.array([each[0] for each in days], dtype="datetime64[D]"),
        value=value,
        deposits=np.array([max(flow, Decimal(0)) for flow in flows], dtype=object),
        end_deposits=nothing,
        withdrawals=np.array([max(-flow, Decimal(0)) for flow in flows], dtype=object),
        income=nothing,
        fees=nothing,
        taxes=nothing,
        gains=change - np.array(flows, dtype=object),
        currency_effect=nothing,
    )
    result = result_between(book, days[0][0], days[-1][0])
    assert result.residual == 0
    only(
        case.expected,
        *("period_gain", "simple_return", "period_return", "period_return_between", "twr"),
    )
    for figure, expected in case.expected.items():
        match figure:
            case "period_gain":
                assert result.gains == Decimal(expected)
            case "period_return_between":
                lowest, highest = (float(bound) for bound in expected)
                assert lowest <= result.linked_modified_dietz <= highest
            case "simple_return":
                assert four_decimals(result.simple_return) == four_decimals(expected)
            case "period_return":
                assert four_decimals(result.linked_modified_dietz) == four_decimals(expected)
            case "twr":
                assert four_decimals(result.twr) == four_decimals(expected)


def four_decimals(number: Any) -> Decimal | None:
    """A rate rounded to four decimals; null stays null."""
    if number is None:
        return None
    return Decimal(str(number)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


READERS = {"fx": check_fx, "performance": check_performance}
