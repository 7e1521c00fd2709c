"""Cases from users' reports: bonus units, reverse splits with restated closes, fewest trades to a target."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from folio.decisions.orders.constraints import Constraint, rebalance_with_fewest
from folio.figures.ledger import Account, Booking, DatedNumbers, Market, walk
from tests.cases.case import Case, only

BOUGHT, CHANGED = date(2024, 1, 1), date(2024, 1, 2)
"""The reports tell the order of events and no dates."""

SHARE = "SHARE"


def check_bonus(case: Case) -> None:
    """Bonus units come without cost and without cash."""
    inputs = case.inputs
    only(inputs, "holding", "bonus_ratio")
    only(inputs["holding"], "quantity", "average_cost")
    only(case.expected, "quantity", "average_cost", "invested", "cash_flow")
    given, held = (Decimal(part) for part in inputs["bonus_ratio"].split(":"))
    units, cost = Decimal(inputs["holding"]["quantity"]), Decimal(inputs["holding"]["average_cost"])
    bookings = [
        Booking(BOUGHT, "buy", units * cost, SHARE, units),
        Booking(CHANGED, "bonus", instrument=SHARE, units=units * given / held),
    ]
    last = walk(bookings, Market(), Account("INR", "implied"), CHANGED)[-1]
    after = last.held[SHARE]
    found = {
        "quantity": after.units,
        "average_cost": after.cost_account / after.units,
        "invested": last.invested,
        "cash_flow": last.net_flow,
    }
    assert {name: found[name] for name in case.expected} == {
        name: Decimal(value) for name, value in case.expected.items()
    }


def check_restated_closes(case: Case) -> None:
    """Units and price stand on one basis on both sides of a split, whose first close was restated."""
    inputs = case.inputs
    only(inputs, "buy", "split", "provider_close_split_adjusted")
    only(inputs["buy"], "quantity", "price")
    only(inputs["split"], "numerator", "denominator")
    ratio = Decimal(inputs["split"]["numerator"]) / Decimal(inputs["split"]["denominator"])
    closes = {name: Decimal(close) for name, close in inputs["provider_close_split_adjusted"].items()}
    only(closes, "before_split", "after_split")
    units, price = (Decimal(inputs["buy"][name]) for name in ("quantity", "price"))
    quotes = {BOUGHT: closes["before_split"] * ratio, CHANGED: closes["after_split"]}
    bookings = [
        Booking(BOUGHT, "buy", units * price, SHARE, units),
        Booking(CHANGED, "split", instrument=SHARE, ratio=ratio),
    ]
    market = Market({SHARE: DatedNumbers(quotes)})
    before, after = walk(bookings, market, Account("USD", "implied"), CHANGED)
    only(case.expected, "value_before_split", "value_after_split", "wrong_value_before_split")
    assert before.value == Decimal(case.expected["value_before_split"])
    assert after.value == Decimal(case.expected["value_after_split"])
    assert before.value != Decimal(case.expected.get("wrong_value_before_split", "-1"))


def check_fewest_trades(case: Case) -> None:
    """The target is met exactly, by the fewest trades, without new money."""
    inputs = case.inputs
    only(inputs, "holdings", "target")
    only(case.expected, "trades", "n_trades")
    holdings: dict[str, dict[str, Any]] = inputs["holdings"]
    values = {name: Decimal(fields["value"]) for name, fields in holdings.items()}
    total = sum(values.values(), start=Decimal(0))
    constraints = [Constraint(dict.fromkeys(values, Decimal(1)), Decimal(0))]
    for name, weight in inputs["target"].items():
        exposures = {held: Decimal(fields["exposure"].get(name, "0")) for held, fields in holdings.items()}
        now = sum((values[held] * share for held, share in exposures.items()), start=Decimal(0))
        constraints.append(Constraint(exposures, total * Decimal(weight) - now))
    trades = {name: change for name, change in rebalance_with_fewest(constraints).amounts.items() if change}
    assert len(trades) == case.expected["n_trades"]
    assert trades == {name: Decimal(change) for name, change in case.expected["trades"].items()}


RULES: dict[frozenset[str], Callable[[Case], None]] = {
    frozenset({"holding", "bonus_ratio"}): check_bonus,
    frozenset({"buy", "split", "provider_close_split_adjusted"}): check_restated_closes,
    frozenset({"holdings", "target"}): check_fewest_trades,
}
"""Reader by the fields of the inputs, since each report tells of something else."""


def check(case: Case) -> None:
    """What the report says must come out."""
    fields = frozenset(case.inputs)
    assert fields in RULES, f"no reader of a report with the fields {sorted(fields)}"
    RULES[fields](case)


READERS = {"user_regressions": check}
