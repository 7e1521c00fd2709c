"""Cases of Beancount's booking: which lots a posting takes, and what it refuses.

Each entry of `apply` is tried on the lots before, apart from the others. Dates of postings decide nothing
there but the date of a new lot, so all are booked on one day and lots keep their own acquisition dates.
"""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from folio.errors import LotError
from folio.figures.lots.events import (
    AmbiguousLots,
    LotEvent,
    LotHistory,
    LotRules,
    LotSelection,
    Method,
    NoSuchLot,
    Oversold,
)
from folio.figures.lots.matching import match_lots
from tests.cases.case import Case, Differs, only

METHODS: dict[str, Method] = {
    "STRICT": "specific",
    "STRICT_WITH_SIZE": "specific_by_size",
    "FIFO": "fifo",
    "LIFO": "lifo",
    "HIFO": "hifo",
    "AVERAGE": "average",
}
REFUSALS: dict[str, tuple[type[LotError], ...]] = {
    "No position matches": (NoSuchLot, Oversold),
    "Ambiguous matches": (AmbiguousLots, Oversold),
    "Not enough lots to reduce": (Oversold,),
}
"""Of a sale refused for two reasons the peer names the choice, Folio the units that are missing."""

Place = tuple[str, str | None]
"""Commodity and currency of its cost."""
Held = Counter[tuple[Any, ...]]
"""Units by commodity, unit cost, currency, acquisition date and label; by commodity alone without a cost."""


def read_booking(case: Case) -> None:
    only(case.inputs, "booking_method", "lots_before", "apply")
    only(case.expected, "booked", "lots_after")
    method = case.inputs["booking_method"]
    if method == "NONE":
        raise Differs("Sales that are matched with no lot")
    assert method in METHODS, f"no method of Folio is {method}"
    booked = case.expected["booked"]
    for number, entry in enumerate(case.inputs["apply"]):
        only(entry, "date", "postings")
        expected = (
            None if booked is None else booked[number if len(booked) == len(case.inputs["apply"]) else 0]
        )
        _try(case, METHODS[method], entry, expected)


def _try(case: Case, method: Method, entry: dict[str, Any], booked: dict[str, Any] | None) -> None:
    before = _joined([_dated(lot, case) for lot in case.inputs["lots_before"]])
    postings = [*before, *entry["postings"]]
    lots = [posting["lot"] for posting in postings if posting.get("lot")]
    day = max(_day(text) for text in [entry["date"], *(lot["acquired"] for lot in lots if "acquired" in lot)])
    events: dict[Place, list[LotEvent]] = {}
    held: dict[Place, Decimal] = {}
    for number, posting in enumerate(before):
        place = (posting["commodity"], _currency(posting))
        events.setdefault(place, []).append(_added(f"before-{number}", posting, posting.get("lot"), day))
        held[place] = held.get(place, Decimal(0)) + Decimal(posting["units"])
    found = {place: _matched(place, sequence, method) for place, sequence in events.items()}
    turned = False
    try:
        taken = []
        for number, posting in enumerate(entry["postings"]):
            only(posting, "units", "commodity", "lot")
            units, lot = Decimal(posting["units"]), posting.get("lot")
            only(lot or {}, "unit_cost", "currency", "acquired", "label")
            place = _place(posting, held, units)
            name = f"posting-{number}"
            left = held.get(place, Decimal(0))
            if lot is None or (left * units >= 0 and "unit_cost" in lot):
                dated = lot and {"acquired": entry["date"], **lot}
                events.setdefault(place, []).append(_added(name, posting, dated, day))
            else:
                events.setdefault(place, []).append(_taken(name, posting, day, left))
                taken.append(name)
                turned |= abs(units) > abs(left)
            held[place] = left + units
            found[place] = _matched(place, events[place], method)
    except LotError as refusal:
        assert booked is not None and booked.get("error"), f"refused: {refusal}"
        assert booked["postings"] == []
        assert isinstance(refusal, REFUSALS[booked["error"]]), refusal
        return  # what is refused changes nothing: there is no state to look at
    if turned and booked is not None and booked.get("error") in REFUSALS:
        raise Differs("Selling more than is held")  # a purchase beyond a short stays as a lot
    assert booked is None or "error" not in booked, f"taken where {booked} was expected"
    after: Held = Counter()
    for (commodity, currency), history in found.items():
        open_lots = history.open_lots
        if currency is None:
            after[commodity, None] += sum((lot.units_open for lot in open_lots), start=Decimal(0))
            continue
        if method == "average" and taken and open_lots:
            units = sum((lot.units_open for lot in open_lots), start=Decimal(0))
            cost = sum((lot.tax_cost_open for lot in open_lots), start=Decimal(0))
            first = min(lot.acquisition_date for lot in open_lots)
            after[commodity, cost / units, currency, first, None] += units
            continue
        for lot in open_lots:
            cost = lot.tax_cost / lot.units_acquired
            after[commodity, cost, currency, lot.acquisition_date, lot.label] += lot.units_open
    assert _equal(after, _held(case.expected["lots_after"])), (after, case.expected["lots_after"])
    if booked is not None:
        _check_booked(found, method, entry, booked, day)


def _matched(place: Place, events: list[LotEvent], method: Method) -> LotHistory:
    """Folio's lots of one sequence; units without a cost are all alike, on either side of zero."""
    if place[1] is None:
        return match_lots(events, "fifo", LotRules(shorts="carried"))
    return match_lots(events, method, LotRules(shorts="carried" if events[0].kind == "close" else "refused"))


def _currency(posting: dict[str, Any]) -> str | None:
    """Currency of the cost; None of units without one."""
    lot = posting.get("lot")
    return lot["currency"] if lot else None


def _check_booked(found: Any, method: Method, entry: Any, booked: Any, day: date) -> None:
    """What left, and what came, posting by posting; merging into an average shows as its cost."""
    only(booked, "date", "postings")
    labels = {(place, lot.lot_id): lot.label for place, history in found.items() for lot in history.lots}
    changed: Held = Counter()
    for place, history in found.items():
        (commodity, currency) = place
        if currency is None:
            moved = [posting for posting in entry["postings"] if posting.get("lot") is None]
            moved = [posting for posting in moved if posting["commodity"] == commodity]
            changed[commodity, None] += sum((Decimal(each["units"]) for each in moved), start=Decimal(0))
            continue
        for match in history.matches:
            cost = match.tax_cost / match.units
            when = match.acquisition_date
            label = labels[place, match.lot_id]
            if method == "average":
                when, label = min(lot.acquisition_date for lot in history.lots), None
            changed[commodity, cost, currency, when, label] -= match.units
        for lot in history.lots:
            if lot.lot_id.startswith("posting-"):
                cost = lot.tax_cost / lot.units_acquired
                changed[commodity, cost, currency, lot.acquisition_date, lot.label] += lot.units_acquired
    merged = [posting for posting in booked["postings"] if posting.get("flag") == "M"]
    plain = [posting for posting in booked["postings"] if posting.get("flag") != "M"]
    assert _equal(changed, _held(plain)), (changed, plain)
    assert sum((Decimal(posting["units"]) for posting in merged), start=Decimal(0)) == 0
    assert method == "average" or not merged


def _added(name: str, posting: dict[str, Any], lot: dict[str, Any] | None, day: date) -> LotEvent:
    """What adds to units of its own side: a purchase, or a sale of what is not held."""
    units = Decimal(posting["units"])
    cost = abs(units) * Decimal(lot["unit_cost"]) if lot else Decimal(0)
    return LotEvent(
        name,
        day,
        "open" if units > 0 else "close",
        units=abs(units),
        price_cost=cost if units > 0 else Decimal(0),
        tax_cost=cost if units > 0 else Decimal(0),
        proceeds=cost if units < 0 else Decimal(0),
        acquisition_date=_day(lot["acquired"]) if lot else None,
        label=lot.get("label") if lot else None,
    )


def _taken(name: str, posting: dict[str, Any], day: date, held: Decimal) -> LotEvent:
    """What takes from units of the other side."""
    units, lot = Decimal(posting["units"]), posting["lot"]
    named = {key: lot[key] for key in ("unit_cost", "acquired", "label") if key in lot}
    selection = None
    if named:
        selection = LotSelection(
            unit_cost=Decimal(named["unit_cost"]) if "unit_cost" in named else None,
            acquisition_date=_day(named["acquired"]) if "acquired" in named else None,
            label=named.get("label"),
        )
    return LotEvent(name, day, "close" if units < 0 else "open", units=abs(units), selection=selection)


def _place(posting: dict[str, Any], held: dict[Place, Decimal], units: Decimal) -> Place:
    """Sequence that a posting is for: of its cost's currency, or of the only one held."""
    commodity, lot = posting["commodity"], posting.get("lot")
    if lot is None:
        return commodity, None
    currency = lot.get("currency")
    there = [place for place, left in held.items() if place[0] == commodity and place[1] and left]
    if currency is None:
        if len(there) > 1:
            raise AmbiguousLots(f"{commodity} is held at costs in {len(there)} currencies")
        if not there:
            raise NoSuchLot(f"no lot of {commodity} is held")
        return there[0]
    if (commodity, currency) not in there and any(held[place] * units < 0 for place in there):
        raise NoSuchLot(f"{commodity} is held, but not at a cost in {currency}")
    return commodity, currency


def _dated(lot: dict[str, Any], case: Case) -> dict[str, Any]:
    """A lot before with its date; where the inputs have none, only what is expected after tells it."""
    only(lot, "units", "commodity", "lot")
    only(lot.get("lot") or {}, "unit_cost", "currency", "acquired", "label")
    if not lot.get("lot") or "acquired" in lot["lot"]:
        return lot
    told = [
        after["lot"]["acquired"]
        for after in case.expected["lots_after"]
        if after["commodity"] == lot["commodity"]
        and after.get("lot")
        and after["lot"]["unit_cost"] == lot["lot"]["unit_cost"]
    ]
    acquired = min(told, default=min(entry["date"] for entry in case.inputs["apply"]))
    return {**lot, "lot": {**lot["lot"], "acquired": acquired}}


def _joined(postings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lots alike in all that could name one are one lot there."""
    joined: dict[str, dict[str, Any]] = {}
    for posting in postings:
        alike = repr((posting["commodity"], sorted((posting.get("lot") or {}).items())))
        units = Decimal(posting["units"]) + Decimal(joined.get(alike, {}).get("units", 0))
        joined[alike] = {**posting, "units": str(units)}
    return list(joined.values())


def _held(postings: list[dict[str, Any]]) -> Held:
    held: Held = Counter()
    for posting in postings:
        only(posting, "units", "commodity", "lot", "flag")
        lot = posting.get("lot")
        if not lot:
            held[posting["commodity"], None] += Decimal(posting["units"])
            continue
        only(lot, "unit_cost", "currency", "acquired", "label")
        key = (posting["commodity"], Decimal(lot["unit_cost"]), lot["currency"], _day(lot["acquired"]))
        held[*key, lot.get("label")] += Decimal(posting["units"])
    return held


def _equal(found: Held, expected: Held) -> bool:
    return {key: units for key, units in found.items() if units} == {
        key: units for key, units in expected.items() if units
    }


def _day(text: str) -> date:
    return date.fromisoformat(text)


READERS = {"booking": read_booking}
