"""Cases of rotki: realised results of crypto by FIFO, LIFO, HIFO and average, with fees apart or in cost."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from folio.figures.lots.events import ZERO, LotEvent, LotHistory, Method, Oversold
from folio.figures.lots.matching import match_lots
from folio.figures.lots.terms import TermRule
from tests.cases.case import Case, Differs, only

METHODS: dict[str, Method] = {"FIFO": "fifo", "LIFO": "lifo", "HIFO": "hifo", "ACB": "average"}
CENT = Decimal("1e-8")
SECONDS_A_DAY = 86_400
OVERSELLING = "Selling more than is held"


def read_fees(case: Case) -> None:
    if "swaps" in case.inputs:
        _read_swaps(case)
    else:
        _read_unit_costs(case)


def _read_swaps(case: Case) -> None:
    """Swaps between the profit currency and an asset; the fee apart, or in cost and off proceeds."""
    given, expected = case.inputs, case.expected
    only(given, "method", "include_fees_in_cost_basis", "profit_currency", "swaps", "eth_eur_by_swap")
    only(expected, "realised_pnl_by_swap", "fee_pnl_per_swap")
    money, in_cost = given["profit_currency"], given["include_fees_in_cost_basis"]
    events, fees = [], {}
    for number, swap in enumerate(given["swaps"]):
        only(swap, "n", "spend", "receive", "fee")
        spent, received, fee = (_amount(swap[part]) for part in ("spend", "receive", "fee"))
        assert fee[0] == money, "a fee in another asset needs its price"
        assert money in (spent[0], received[0]), "a swap of two assets needs their prices"
        name, day = str(swap["n"]), date(2020, 1, 1 + number)
        fees[name] = fee[1]
        shown = fee[1] if in_cost else ZERO
        if spent[0] == money:
            events.append(
                LotEvent(name, day, "open", received[1], price_cost=spent[1], tax_cost=spent[1] + shown)
            )
        else:
            events.append(LotEvent(name, day, "close", spent[1], proceeds=received[1] - shown))
    history = match_lots(events, METHODS[given["method"]])
    gains: dict[str, Decimal] = {}
    for match in history.matches:
        gains[match.closing_event_id] = gains.get(match.closing_event_id, ZERO) + match.gain
    assert gains == {name: Decimal(gain) for name, gain in expected["realised_pnl_by_swap"].items()}
    if expected.get("fee_pnl_per_swap") is not None:
        apart = ZERO if in_cost else next(iter(fees.values()))
        assert len(set(fees.values())) == 1
        assert -apart == Decimal(expected["fee_pnl_per_swap"])


def _read_unit_costs(case: Case) -> None:
    given = case.inputs
    only(given, "profit_currency", "include_fees_in_cost_basis", "events")
    only(case.expected, "unit_cost")
    for event in given["events"]:
        only(event, "n", "spend", "receive", "fee", "btc_eur")
        spent, received, fee = (_amount(event[part]) for part in ("spend", "receive", "fee"))
        assert spent[0] == given["profit_currency"]
        rate = Decimal(1)
        if fee[0] != given["profit_currency"]:
            assert fee[0] == received[0], "a fee in a third asset needs its price"
            rate = Decimal(event["btc_eur"])
        cost = spent[1] + fee[1] * rate * bool(given["include_fees_in_cost_basis"])
        bought = LotEvent(str(event["n"]), date(2020, 1, 1), "open", received[1], spent[1], cost)
        (lot,) = match_lots([bought]).lots
        expected = Decimal(case.expected["unit_cost"][lot.lot_id])
        found = lot.tax_cost_open / lot.units_open
        assert abs(found - expected) <= abs(expected) * Decimal("1e-9"), (found, expected)


def read_holding_period(case: Case) -> None:
    """Every spend against what came before, parted by whether it was held long enough to be free of tax."""
    given = case.inputs
    only(given, "method", "asset", "events", "taxfree_after_seconds")
    only(case.expected, "spends")
    days = given["taxfree_after_seconds"]
    assert days is None or days % SECONDS_A_DAY == 0
    rule = TermRule("case", "crypto", long_after_days=None if days is None else days // SECONDS_A_DAY)
    spends = [number for number, event in enumerate(given["events"]) if event["type"] == "spend"]
    assert len(spends) == len(case.expected["spends"])
    for number, expected in zip(spends, case.expected["spends"], strict=True):
        only(
            expected, "taxable_amount", "taxfree_cost", "taxable_cost", "taxfree_amount", "matched",
            "complete", "remaining_lots",
        )  # fmt: skip
        history = _walk(given["events"][: number + 1], given["method"], expected.get("complete", True))
        last = f"event-{number}"
        parts = [match for match in history.matches if match.closing_event_id == last]
        free = [m for m in parts if rule.term(m.acquisition_date, m.close_date) == "long"]
        taxed = [m for m in parts if m not in free]
        for figure, found in {
            "taxable_amount": sum((m.units for m in taxed), start=ZERO),
            "taxfree_amount": sum((m.units for m in free), start=ZERO),
            "taxable_cost": sum((m.tax_cost for m in taxed), start=ZERO),
            "taxfree_cost": sum((m.tax_cost for m in free), start=ZERO),
        }.items():
            if expected.get(figure) is not None:
                _close(found, expected[figure], figure)
        if expected.get("matched") is not None:
            found_parts = [(m.units, m.tax_cost / m.units) for m in parts]
            assert len(found_parts) == len(expected["matched"])
            for (units, cost), (wanted, unit_cost) in zip(found_parts, expected["matched"], strict=True):
                _close(units, wanted, "matched units")
                _close(cost, unit_cost, "matched unit cost")
        if expected.get("remaining_lots") is not None:
            _check_remaining(history, expected["remaining_lots"])


def read_lifo_hifo(case: Case) -> None:
    """State after the spends that the expected figures name."""
    given = case.inputs
    only(given, "method", "asset", "events")
    for name, expected in case.expected.items():
        assert name.startswith("after_"), f"no reader knows the figure {name}"
        only(expected, "lots", "complete", "acb", "remaining", "average_cost", "total_amount", "unit_cost")
        wanted = name.removeprefix("after_")
        ends = [number for number, event in enumerate(given["events"]) if event.get("id") == wanted]
        assert len(ends) == 1, f"no event {wanted}"
        events = given["events"][: ends[0] + 1]
        history = _walk(events, given["method"], expected.get("complete", True))
        if expected.get("lots") is not None:
            found = sorted((lot.tax_cost_open / lot.units_open, lot.units_open) for lot in history.open_lots)
            shown = []
            for lot in expected["lots"]:
                only(lot, "unit_cost", "remaining", "timestamp")
                shown.append((Decimal(lot["unit_cost"]), Decimal(lot["remaining"])))
            if METHODS[given["method"]] == "average":
                units = sum((units for _, units in found), start=ZERO)
                assert units == sum((units for _, units in shown), start=ZERO)
            else:
                assert found == sorted(shown)
        held = sum((lot.units_open for lot in history.open_lots), start=ZERO)
        cost = sum((lot.tax_cost_open for lot in history.open_lots), start=ZERO)
        for figure in ("remaining", "total_amount"):
            if expected.get(figure) is not None:
                _close(held, expected[figure], figure)
        for figure in ("acb", "average_cost", "unit_cost"):
            if expected.get(figure) is not None:
                _close(cost / held, expected[figure], figure)


def _walk(events: list[dict[str, Any]], method: str, complete: bool) -> LotHistory:
    """Folio's lots of acquisitions and spends; an event without a time is of the moment of the one before."""
    booked, when = [], 0
    for number, event in enumerate(events):
        only(event, "type", "amount", "timestamp", "unit_cost", "id", "price", "rate", "fee")
        when = event.get("timestamp", when)
        day = datetime.fromtimestamp(when, tz=UTC).date()
        units, name = Decimal(event["amount"]), f"event-{number}"
        if event["type"] == "acquire":
            cost = (units * Decimal(event["unit_cost"])).quantize(CENT)
            booked.append(LotEvent(name, day, "open", units, cost, cost))
        else:
            assert event["type"] == "spend", f"no reader knows the event {event['type']}"
            booked.append(LotEvent(name, day, "close", units))
    try:
        history = match_lots(booked, METHODS[method])
    except Oversold:
        assert not complete, "Folio finds more sold than held"
        raise Differs(OVERSELLING) from None
    assert complete, "Folio finds all that was sold"
    return history


def _check_remaining(history: LotHistory, remaining: list[Any]) -> None:
    found = sorted(lot.units_open for lot in history.open_lots)
    assert len(found) == len(remaining)
    for units, expected in zip(found, sorted(Decimal(left) for left in remaining), strict=True):
        _close(units, expected, "remaining")


def _close(found: Decimal, expected: Any, what: str) -> None:
    wanted = Decimal(expected)
    assert abs(found - wanted) <= abs(wanted) * Decimal("1e-9"), f"{what}: {found}, not {wanted}"


def _amount(pair: list[str]) -> tuple[str, Decimal]:
    asset, amount = pair
    return asset, Decimal(amount)


READERS = {"fees": read_fees, "holding_period": read_holding_period, "lifo_hifo": read_lifo_hifo}
