"""What pools must know of days to come: sales met by later purchases, and units bought around a loss.

Both follow from dates, units and splits alone, so they are found before the walk that needs them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from folio.figures.lots.allocation import shares
from folio.figures.lots.events import ONE, UNITS, ZERO, LotEvent, MatchRule, SuperficialLoss


@dataclass(frozen=True, slots=True)
class IdentifiedPart:
    """Part of a sale met by a purchase outside the pool: units on the sale's basis, the purchase's cost."""

    opening: LotEvent
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal
    rule: MatchRule


@dataclass(slots=True)
class SetAside:
    """What a purchase gives to sales and so never enters the pool, on the purchase's own split basis."""

    units: Decimal = ZERO
    same_day_units: Decimal = ZERO
    price_cost: Decimal = ZERO
    tax_cost: Decimal = ZERO
    last_sale: date | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """Parts by closing event id, and what is set aside by opening event id."""

    parts: Mapping[str, tuple[IdentifiedPart, ...]]
    set_aside: Mapping[str, SetAside]


@dataclass(slots=True)
class _Purchase:
    event: LotEvent
    basis: Decimal
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal


@dataclass(slots=True)
class _Sale:
    event: LotEvent
    basis: Decimal
    units: Decimal
    parts: list[IdentifiedPart] = field(default_factory=list)


def identify(events: Sequence[LotEvent], later_days: int, money: Decimal) -> Identification:
    """Meet sales with purchases of the same day, then of the days after, earliest sale and purchase first.

    Parameters
    ----------
    events
        Of one pool, in order; only openings, closings and splits matter.
    later_days
        Days after a sale whose purchases meet it (30 in the United Kingdom).
    money
        Scale to which parts of cost are rounded.

    Notes
    -----
    Purchases of one day count as one: each gives in proportion to its units, at its own cost. Must be called
    in the EXACT context. Source: Taxation of Chargeable Gains Act 1992, sections 105 and 106A.
    """
    purchases: dict[date, list[_Purchase]] = {}
    sales: list[_Sale] = []
    for event, basis in _with_basis(events):
        if event.kind == "open":
            bought = _Purchase(event, basis, event.units, event.price_cost, event.tax_cost)
            purchases.setdefault(event.event_date, []).append(bought)
        elif event.kind == "close":
            sales.append(_Sale(event, basis, event.units))
    aside: dict[str, SetAside] = {}
    days = sorted(purchases)
    for sale in sales:
        _meet(sale, purchases.get(sale.event.event_date, []), "same_day", aside, money)
    for sale in sales:
        day = sale.event.event_date
        last = bisect_right(days, day + timedelta(days=later_days))
        for later in days[bisect_right(days, day) : last]:
            if sale.units <= 0:
                break
            _meet(sale, purchases[later], "later_days", aside, money)
    return Identification(
        parts={sale.event.event_id: tuple(sale.parts) for sale in sales if sale.parts},
        set_aside=aside,
    )


def _meet(
    sale: _Sale, purchases: list[_Purchase], rule: MatchRule, aside: dict[str, SetAside], money: Decimal
) -> None:
    """Give the sale what it still lacks out of one day's purchases, each by its units."""
    for basis, group in groupby(purchases, key=lambda purchase: purchase.basis):  # a split may part a day
        givers = [purchase for purchase in group if purchase.units > 0]
        if sale.units <= 0 or not givers:
            continue
        ratio = basis / sale.basis
        there = sum((giver.units for giver in givers), start=ZERO)
        wanted = (sale.units * ratio).quantize(UNITS)
        taken = min(there, wanted)
        given = shares(taken, [giver.units for giver in givers], UNITS)
        sold = sale.units if taken == wanted else (taken / ratio).quantize(UNITS)
        parts = shares(sold, given, UNITS) if taken else []
        for giver, units, part in zip(givers, given, parts, strict=False):
            if not units:
                continue
            left = giver.units - units
            price_cost = giver.price_cost if not left else (giver.price_cost * units / giver.units)
            tax_cost = giver.tax_cost if not left else (giver.tax_cost * units / giver.units)
            price_cost, tax_cost = price_cost.quantize(money), tax_cost.quantize(money)
            giver.units, giver.price_cost, giver.tax_cost = (
                left,
                giver.price_cost - price_cost,
                giver.tax_cost - tax_cost,
            )
            kept = aside.setdefault(giver.event.event_id, SetAside())
            kept.units += units
            if rule == "same_day":
                kept.same_day_units += units
            kept.price_cost += price_cost
            kept.tax_cost += tax_cost
            kept.last_sale = sale.event.event_date
            sale.parts.append(IdentifiedPart(giver.event, part, price_cost, tax_cost, rule))
        sale.units -= sold


@dataclass(frozen=True, slots=True)
class AroundSale:
    """Units bought in the days around a sale, and held at their end, on the sale's split basis."""

    bought: Decimal
    held_at_end: Decimal


def around_sales(events: Sequence[LotEvent], rule: SuperficialLoss) -> dict[str, AroundSale]:
    """Units bought around each sale and still held when its days end, by closing event id.

    Source: Income Tax Act (Canada), section 54, "superficial loss". In the EXACT context.
    """
    held = ZERO
    states: list[tuple[date, Decimal]] = []  # units on the first basis after each event
    opened: list[tuple[date, Decimal]] = []
    sold: list[tuple[LotEvent, Decimal]] = []
    for event, basis in _with_basis(events):
        held += _moved(event) / basis
        if event.kind == "open":
            opened.append((event.event_date, event.units / basis))
        elif event.kind == "close":
            sold.append((event, basis))
        states.append((event.event_date, held))
    dates = [day for day, _ in states]
    found = {}
    for event, basis_then in sold:
        first = event.event_date - timedelta(days=rule.days_before)
        last = event.event_date + timedelta(days=rule.days_after)
        bought = sum((units for day, units in opened if first <= day <= last), start=ZERO)
        at_end = states[bisect_right(dates, last) - 1][1]
        found[event.event_id] = AroundSale(
            (bought * basis_then).quantize(UNITS), (at_end * basis_then).quantize(UNITS)
        )
    return found


def _with_basis(events: Sequence[LotEvent]) -> Iterator[tuple[LotEvent, Decimal]]:
    """Events with how many units a unit of the first day has become by then."""
    held, basis = ZERO, ONE
    for event in events:
        if event.kind == "split" and event.ratio > 0:
            held, basis = held * event.ratio, basis * event.ratio
        elif event.kind == "bonus_spread" and held > 0:
            basis *= (held + event.units) / held
            held += event.units
        else:
            held += _moved(event)
        yield event, basis


def _moved(event: LotEvent) -> Decimal:
    """Units that an event brings, or takes if below zero; what changes the basis brings none."""
    match event.kind:
        case "open":
            return event.units
        case "transfer_in":
            return event.units or sum((lot.units for lot in event.carried), start=ZERO)
        case "close" | "transfer_out":
            return -event.units
    return ZERO
