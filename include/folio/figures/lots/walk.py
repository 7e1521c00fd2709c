"""State along one sequence of events: which lots are open, what they cost, what sales took from them."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from folio.errors import LotError
from folio.figures.lots.allocation import shares
from folio.figures.lots.events import (
    MONEY,
    ONE,
    UNITS,
    ZERO,
    AmbiguousLots,
    CarriedLot,
    Lot,
    LotEvent,
    LotHistory,
    LotMatch,
    LotRules,
    LotSelection,
    MatchRule,
    Method,
    NoSuchLot,
    Oversold,
    PositionInterval,
)
from folio.figures.lots.pools import (
    AroundSale,
    Identification,
    IdentifiedPart,
    SetAside,
    around_sales,
    identify,
)

POOLED = frozenset({"average", "section_104", "acb"})
"""Methods under which open units share one cost."""
NEED_UNITS = frozenset({"open", "close", "transfer_out", "bonus_spread"})
PLAIN = frozenset({"open", "close", "transfer_out"})
DUST = Decimal("1e-9")  # units; more than the rounding of splits between sales and their purchases can leave
"""Kinds that neither scale nor share anything."""

Rank = tuple[Decimal | int, int]
Part = tuple["OpenLot", Decimal, Decimal, Decimal]
"""What a lot gave: the lot, units, price cost, tax cost."""


@dataclass(slots=True)
class OpenLot:
    """A lot while the walk goes on, in numbers above zero if short too; a pooled lot has no own cost."""

    lot_id: str
    opening_event_id: str
    origin_lot_id: str | None
    acquisition_date: date
    opened_on: date
    units_acquired: Decimal
    price_cost: Decimal
    tax_cost: Decimal
    units: Decimal
    price_cost_open: Decimal
    tax_cost_open: Decimal
    label: str | None
    side: int
    closed_on: date | None = None

    def as_lot(self) -> Lot:
        """The lot as it stands, a short one with numbers below zero."""
        lot = Lot(
            self.lot_id,
            self.opening_event_id,
            self.origin_lot_id,
            self.acquisition_date,
            self.opened_on,
            self.closed_on,
            self.units_acquired,
            self.price_cost,
            self.tax_cost,
            self.units,
            self.price_cost_open,
            self.tax_cost_open,
            self.label,
        )
        if self.side > 0:
            return lot
        return replace(
            lot,
            units_acquired=-lot.units_acquired,
            price_cost=-lot.price_cost,
            tax_cost=-lot.tax_cost,
            units_open=-lot.units_open,
            price_cost_open=-lot.price_cost_open,
            tax_cost_open=-lot.tax_cost_open,
        )


@dataclass(slots=True)
class Walk:
    """Lots in order of opening, a heap of the open ones, totals of what is held. Needs the EXACT context.

    `side` is 1 while units are held, -1 while they are short; numbers are above zero either way. Under
    section_104 units sold that a later purchase will meet stay in the pool: `units` counts what is held,
    `units_in_lots` what the pool's cost is for.
    """

    method: Method
    rules: LotRules
    events: Sequence[LotEvent]  # all of them, for methods that look ahead
    lots: list[OpenLot] = field(default_factory=list)
    heap: list[tuple[Rank, int]] = field(default_factory=list)  # (rank, position in lots)
    matches: list[LotMatch] = field(default_factory=list)
    carried: dict[str, tuple[CarriedLot, ...]] = field(default_factory=dict)
    states: list[tuple[date, Decimal, Decimal, Decimal]] = field(default_factory=list)
    last_date: date | None = None
    side: int = 1
    units: Decimal = ZERO
    units_in_lots: Decimal = ZERO
    price_cost: Decimal = ZERO
    tax_cost: Decimal = ZERO
    denied: Decimal = ZERO  # waits for the purchase whose cost it raises
    identification: Identification = field(default_factory=lambda: Identification({}, {}))
    awaited: set[str] = field(default_factory=set)  # purchases to come that sales were met by
    reserved: Decimal = ZERO  # held units that sales later in the day will be met by
    opened_ahead: dict[str, Decimal] = field(default_factory=dict)  # sold of a day's purchase yet to come
    around: dict[str, AroundSale] = field(default_factory=dict)
    pooled: bool = field(init=False)  # whether open units share one cost

    def __post_init__(self) -> None:
        self.pooled = self.method in POOLED
        if self.method == "tax_minimising" and self.rules.tax_on is None:
            raise LotError("tax_minimising needs to know the tax on a gain")
        if self.method == "section_104":
            self.identification = identify(self.events, self.rules.later_days, self.rules.money)
        if self.method == "acb" and self.rules.superficial is not None:
            self.around = around_sales(self.events, self.rules.superficial)

    def take(self, event: LotEvent, carried: tuple[CarriedLot, ...]) -> None:
        """Apply one event, or raise and leave the state as it was."""
        self._refuse_malformed(event)
        if self.last_date is not None and event.event_date > self.last_date:
            self._end_day()
        match event.kind:
            case "open":
                self._buy(event)
            case "close":
                self._close(event)
            case "split":
                self._rescale(event, (self.units_in_lots * event.ratio).quantize(UNITS), event.ratio)
            case "bonus_spread":
                self._spread(event)
            case "return_of_capital":
                self._return_capital(event)
            case "carve_out":
                self._carve_out(event)
            case "transfer_out":
                self._refuse_short(event)
                if event.units > self.units:
                    raise Oversold(event.event_id, self.units, event.units)
                self.carried[event.event_id] = tuple(
                    CarriedLot(lot.lot_id, lot.acquisition_date, units, price_cost, tax_cost)
                    for lot, units, price_cost, tax_cost in self._remove(event, event.units)
                )
                self.units -= event.units
            case "transfer_in":
                self._refuse_short(event)
                self._receive(event, carried)
        self._note(event.event_date)

    def history(self) -> LotHistory:
        """What the events left behind."""
        self._end_day()
        if self.pooled:
            self._share_pool()
        intervals = []
        for position, (day, units, price_cost, tax_cost) in enumerate(self.states):
            following = self.states[position + 1][0] if position + 1 < len(self.states) else None
            valid_to = following - timedelta(days=1) if following else None
            intervals.append(PositionInterval(day, valid_to, units, price_cost, tax_cost))
        lots = tuple(lot.as_lot() for lot in self.lots)
        return LotHistory(lots, tuple(self.matches), tuple(intervals), dict(self.carried))

    def _refuse_malformed(self, event: LotEvent) -> None:
        if self.last_date is not None and event.event_date < self.last_date:
            raise LotError(f"event {event.event_id} of {event.event_date} follows one of {self.last_date}")
        if wrong := _coarse(event.units, event.price_cost, event.tax_cost, abs(event.proceeds)):
            raise LotError(f"event {event.event_id} has {wrong}")
        if event.kind in NEED_UNITS and not event.units:
            raise LotError(f"event {event.event_id} ({event.kind}) needs units above zero, has 0")
        if event.kind not in PLAIN:
            self._refuse_unlikely(event)
        acquired = event.acquisition_date
        if acquired is not None and acquired > event.event_date:
            raise LotError(
                f"event {event.event_id} of {event.event_date} opens a lot acquired later, on {acquired}"
            )

    def _refuse_unlikely(self, event: LotEvent) -> None:
        """Refuse ratios, rates and shares that cannot be."""
        name = f"event {event.event_id}"
        for what, factor in (("ratio", event.ratio), ("cost rate", event.cost_rate)):
            if not (factor.is_finite() and factor > 0):
                raise LotError(f"{name} needs a {what} above zero, has {factor}")
        if not (event.cost_share.is_finite() and 0 <= event.cost_share <= 1):
            raise LotError(f"{name} needs a cost share from 0 to 1, has {event.cost_share}")
        if event.kind == "return_of_capital" and event.proceeds < 0:
            raise LotError(f"{name} (return_of_capital) needs proceeds, has {event.proceeds:f}")

    def _refuse_short(self, event: LotEvent) -> None:
        if self.side < 0 and self.units:
            raise LotError(f"event {event.event_id} ({event.kind}) cannot be while units are short")

    def _buy(self, event: LotEvent) -> None:
        """Cover what is short, open a lot with the rest."""
        if self.side > 0 or not self.units:
            self.side = 1
            acquired = event.acquisition_date or event.event_date
            aside = self.identification.set_aside.get(event.event_id)
            self._open(event, event.event_id, None, acquired, event, aside)
            return
        covered = min(event.units, self.units)
        rest = event.units - covered
        if rest and event.selection is not None:
            raise Oversold(event.event_id, self.units, event.units)
        price_cost = self._money(event.price_cost * covered / event.units)
        tax_cost = self._money(event.tax_cost * covered / event.units)
        self._match(event, self._remove(event, covered), -tax_cost, "short")
        self.units -= covered
        if rest:
            left = replace(
                event,
                units=rest,
                price_cost=event.price_cost - price_cost,
                tax_cost=event.tax_cost - tax_cost,
            )
            self._buy(left)

    def _open(
        self,
        event: LotEvent,
        lot_id: str,
        origin: str | None,
        acquired: date,
        bought: LotEvent | CarriedLot,
        aside: SetAside | None = None,
    ) -> None:
        units, price_cost, tax_cost = bought.units, bought.price_cost, bought.tax_cost
        early, last_sale = ZERO, None
        if aside is not None:
            early = self.opened_ahead.pop(event.event_id, ZERO)
            price_cost, tax_cost = price_cost - aside.price_cost, tax_cost - aside.tax_cost
            last_sale = aside.last_sale
            self.reserved += aside.same_day_units - early
            units -= aside.units
            if event.event_id in self.awaited:
                self.awaited.remove(event.event_id)
                if not self.awaited:  # a split since the sale was rounded for units held and pooled apart
                    held = self.units + bought.units - early
                    units = max(ZERO, held - self.reserved - self.units_in_lots)
        self.lots.append(
            OpenLot(
                lot_id=lot_id,
                opening_event_id=event.event_id,
                origin_lot_id=origin,
                acquisition_date=acquired,
                opened_on=event.event_date,
                units_acquired=bought.units,
                price_cost=bought.price_cost,
                tax_cost=bought.tax_cost,
                units=units,
                price_cost_open=price_cost,
                tax_cost_open=tax_cost,
                label=event.label,
                side=self.side,
                closed_on=None if units else max(event.event_date, last_sale or event.event_date),
            )
        )
        self.units += bought.units - early
        self.units_in_lots += units
        self.price_cost += price_cost
        self.tax_cost += tax_cost + self.denied
        self.denied = ZERO
        if units:
            position = len(self.lots) - 1
            heapq.heappush(self.heap, (self._rank(position), position))

    def _rank(self, position: int) -> Rank:
        """Place of a lot in the queue; smallest goes first."""
        lot = self.lots[position]
        if self.method == "fifo_by_entry":
            return position, position
        if self.method == "lifo":
            return -lot.acquisition_date.toordinal(), -position
        if self.method == "hifo":
            return -lot.tax_cost_open / lot.units, position
        return lot.acquisition_date.toordinal(), position

    def _queue(self, event: LotEvent, wanted: Decimal) -> list[OpenLot] | None:
        """Lots in the order in which the event takes them, or None where the heap knows it."""
        chooses = event.kind in ("close", "open")  # a purchase takes lots where it covers short ones
        chosen = event.selection if chooses else None
        strict = chooses and self.method in ("specific", "specific_by_size")
        taxed = event.kind == "close" and self.method == "tax_minimising"
        if chosen is None and not strict and not taxed:
            return None
        positions = [position for _, position in sorted(self.heap) if self.lots[position].units]
        lots = [self.lots[position] for position in positions]
        if chosen is not None:
            lots = [lot for lot in lots if _is_chosen(lot, chosen)]
            if not lots:
                raise NoSuchLot(f"event {event.event_id} names a lot that is not open")
        there = sum((lot.units for lot in lots), start=ZERO)
        if strict and len(lots) > 1 and there != wanted:
            same_size = [lot for lot in lots if lot.units == wanted]
            if self.method == "specific" or not same_size:
                raise AmbiguousLots(
                    f"event {event.event_id} takes {wanted:f} of {there:f} units in {len(lots)} lots "
                    "and does not say of which"
                )
            lots = same_size[:1]
        elif there < wanted:
            raise Oversold(event.event_id, there, wanted)
        if taxed and self.rules.tax_on is not None:
            tax_on, price = self.rules.tax_on, event.proceeds / event.units
            lots.sort(
                key=lambda lot: tax_on(
                    lot.acquisition_date, event.event_date, price - lot.tax_cost_open / lot.units
                )
            )
        return lots

    def _remove(self, event: LotEvent, wanted: Decimal) -> list[Part]:
        """Take units from lots in order; `units` itself is the caller's to lower."""
        if wanted > self.units_in_lots:
            raise Oversold(event.event_id, self.units, wanted)
        queue = self._queue(event, wanted)
        everything = wanted == self.units_in_lots
        pool_units, parts = self.units_in_lots, []
        self.units_in_lots -= wanted
        left, place = wanted, 0
        while left:
            if queue is None:
                lot = self.lots[self.heap[0][1]]
                if not lot.units:  # taken out of its turn before
                    heapq.heappop(self.heap)
                    continue
            else:
                lot, place = queue[place], place + 1
            taken = min(lot.units, left)
            if self.pooled:
                price_cost = tax_cost = ZERO
            elif taken == lot.units:
                price_cost, tax_cost = lot.price_cost_open, lot.tax_cost_open
            else:
                fees = self._money((lot.tax_cost_open - lot.price_cost_open) * taken / lot.units)
                price_cost = self._money(lot.price_cost_open * taken / lot.units)
                tax_cost = price_cost + fees
            lot.units -= taken
            lot.price_cost_open -= price_cost
            lot.tax_cost_open -= tax_cost
            if not lot.units:
                lot.closed_on = event.event_date
                if queue is None:
                    heapq.heappop(self.heap)
            left -= taken
            parts.append((lot, taken, price_cost, tax_cost))
        if self.pooled:
            return self._out_of_pool(parts, wanted, pool_units, everything)
        for _, _, price_cost, tax_cost in parts:
            self.price_cost -= price_cost
            self.tax_cost -= tax_cost
        return parts

    def _out_of_pool(
        self, parts: list[Part], wanted: Decimal, pool_units: Decimal, everything: bool
    ) -> list[Part]:
        """Give the parts their share of the pool's cost."""
        if everything:
            price_cost, tax_cost = self.price_cost, self.tax_cost
        else:
            fees = self._money((self.tax_cost - self.price_cost) * wanted / pool_units)
            price_cost = self._money(self.price_cost * wanted / pool_units)
            tax_cost = price_cost + fees
        self.price_cost -= price_cost
        self.tax_cost -= tax_cost
        weights = [units for _, units, _, _ in parts]
        price_costs = shares(price_cost, weights, self.rules.money)
        tax_costs = shares(tax_cost, weights, self.rules.money)
        return [
            (lot, units, price, tax)
            for (lot, units, _, _), price, tax in zip(parts, price_costs, tax_costs, strict=True)
        ]

    def _match(self, event: LotEvent, parts: list[Part], proceeds: Decimal, rule: MatchRule) -> None:
        sign = -1 if rule == "short" else 1
        shared = shares(proceeds, [units for _, units, _, _ in parts], self.rules.money)
        self.matches.extend(
            LotMatch(
                closing_event_id=event.event_id,
                lot_id=lot.lot_id,
                acquisition_date=lot.acquisition_date,
                close_date=event.event_date,
                units=sign * units,
                price_cost=sign * price_cost,
                tax_cost=sign * tax_cost,
                proceeds=part,
                rule=rule,
            )
            for (lot, units, price_cost, tax_cost), part in zip(parts, shared, strict=True)
        )

    def _close(self, event: LotEvent) -> None:
        if self.side < 0 and self.units:
            self._go_short(event, event.units, event.proceeds)
            return
        identified = self.identification.parts.get(event.event_id, ())
        if self.method == "section_104":
            self._close_identified(event, identified)
            return
        if event.units <= self.units:
            if self.around:
                self._close_superficially(event)
            else:
                parts = self._remove(event, event.units)
                self._match(event, parts, event.proceeds, "pool" if self.pooled else "lot")
            self.units -= event.units
            return
        if self.rules.shorts == "refused" or event.selection is not None:
            raise Oversold(event.event_id, self.units, event.units)
        proceeds = self._money(event.proceeds * self.units / event.units)
        if self.units:
            rest, held = event.units - self.units, self.units
            self._refuse_unsold(event)
            self._match(event, self._remove(event, held), proceeds, "pool" if self.pooled else "lot")
            self.units = ZERO
        else:
            rest = event.units
        self._go_short(event, rest, event.proceeds - proceeds)

    def _refuse_unsold(self, event: LotEvent) -> None:
        if event.proceeds < 0:
            raise LotError(f"event {event.event_id} would open a short lot for {event.proceeds:f}")

    def _go_short(self, event: LotEvent, units: Decimal, proceeds: Decimal) -> None:
        """Open a short lot: its cost is what the sale brought."""
        self._refuse_unsold(event)
        self.side = -1
        sold = CarriedLot(event.event_id, event.event_date, units, proceeds, proceeds)
        self._open(event, event.event_id, None, event.acquisition_date or event.event_date, sold)

    def _close_identified(self, event: LotEvent, identified: Sequence[IdentifiedPart]) -> None:
        """Sell against purchases of the day and the days after, the rest out of the pool."""
        ahead: dict[str, Decimal] = {}
        for part in identified:
            if part.rule == "same_day" and not any(
                lot.lot_id == part.opening.event_id for lot in reversed(self.lots)
            ):
                ahead[part.opening.event_id] = ahead.get(part.opening.event_id, ZERO) + part.units
        early = sum(ahead.values(), start=ZERO)
        met = sum((part.units for part in identified), start=ZERO)
        missing = event.units - met - self.units_in_lots
        if event.units - early > self.units or missing > DUST:
            raise Oversold(event.event_id, self.units + early, event.units)
        if missing > 0:
            self.reserved -= missing
            self._even_out(missing)
        rest = event.units - met
        pool_parts = self._remove(event, rest) if rest else []
        weights = [part.units for part in identified] + ([rest] if rest else [])
        proceeds = shares(event.proceeds, weights, self.rules.money)
        for part, brought in zip(identified, proceeds, strict=False):
            self.matches.append(
                LotMatch(
                    closing_event_id=event.event_id,
                    lot_id=part.opening.event_id,
                    acquisition_date=part.opening.acquisition_date or part.opening.event_date,
                    close_date=event.event_date,
                    units=part.units,
                    price_cost=part.price_cost,
                    tax_cost=part.tax_cost,
                    proceeds=brought,
                    rule=part.rule,
                )
            )
        if rest:
            self._match(event, pool_parts, proceeds[-1], "pool")
        self.units -= event.units - early
        self.reserved -= (
            sum((part.units for part in identified if part.rule == "same_day"), start=ZERO) - early
        )
        self.awaited.update(
            part.opening.event_id
            for part in identified
            if part.rule == "later_days" or part.opening.event_id in ahead
        )
        for opening, units in ahead.items():
            self.opened_ahead[opening] = self.opened_ahead.get(opening, ZERO) + units

    def _end_day(self) -> None:
        """Let lots hold what is held: the reserved is sold by now, splits were rounded for both apart."""
        if self.method != "section_104" or self.awaited:
            return
        self.reserved = ZERO
        self._even_out(self.units - self.units_in_lots)

    def _even_out(self, missing: Decimal) -> None:
        """Add units to the largest open lot, or take them from the largest ones where they are below zero."""
        while missing and self.lots:
            lot = max(self.lots, key=lambda lot: lot.units)
            change = max(missing, -lot.units)
            if not change:
                return
            if not lot.units:  # all were sold: the last one is open again
                lot, place = self.lots[-1], len(self.lots) - 1
                if all(position != place for _, position in self.heap):
                    heapq.heappush(self.heap, (self._rank(place), place))
            lot.units += change
            lot.closed_on = None if lot.units else self.last_date
            self.units_in_lots += change
            missing -= change

    def _close_superficially(self, event: LotEvent) -> None:
        """Sell out of the pool and put back what is denied of a loss."""
        parts = self._remove(event, event.units)
        first = len(self.matches)
        self._match(event, parts, event.proceeds, "pool")
        rule, around = self.rules.superficial, self.around[event.event_id]
        loss = sum((match.tax_cost for match in self.matches[first:]), start=ZERO) - event.proceeds
        replaced = min(event.units, around.bought, around.held_at_end)
        if rule is None or loss <= 0 or replaced <= 0:
            return
        denied = loss if rule.share == "whole" else self._money(loss * replaced / event.units)
        parts_denied = shares(denied, [match.units for match in self.matches[first:]], self.rules.money)
        self.matches[first:] = [
            replace(match, disallowed=part)
            for match, part in zip(self.matches[first:], parts_denied, strict=True)
        ]
        if self.units_in_lots:
            self.tax_cost += denied
        else:
            self.denied += denied

    def _rescale(self, event: LotEvent, whole: Decimal, ratio: Decimal) -> None:
        """Change units and neither cost nor dates; the total is rounded once, and lots share it."""
        positions = sorted(position for _, position in self.heap if self.lots[position].units)
        self.opened_ahead = {
            opening: (units * ratio).quantize(UNITS) for opening, units in self.opened_ahead.items()
        }
        if not positions:  # all that is held will meet sales of the day
            self.units = (self.units * ratio).quantize(UNITS)
            self.reserved = self.units
            return
        all_there = self.units == self.units_in_lots
        new_units = shares(whole, [self.lots[position].units for position in positions], UNITS)
        if not all(new_units):
            raise LotError(f"event {event.event_id}: a ratio of {ratio} leaves a lot without units")
        for position, units in zip(positions, new_units, strict=True):
            lot = self.lots[position]
            acquired = (lot.units_acquired * ratio).quantize(UNITS)
            lot.units_acquired = units if lot.units_acquired == lot.units else max(acquired, units)
            lot.units = units
        self.units = whole if all_there else (self.units * ratio).quantize(UNITS)
        self.reserved = (self.reserved * ratio).quantize(UNITS)
        self.units_in_lots = whole
        self.heap = [(self._rank(position), position) for position in positions]
        heapq.heapify(self.heap)

    def _spread(self, event: LotEvent) -> None:
        self._refuse_short(event)
        if not self.units:
            raise LotError(f"event {event.event_id} (bonus_spread) finds no units to spread over")
        ratio = (self.units + event.units) / self.units
        self._rescale(event, (self.units_in_lots * ratio).quantize(UNITS), ratio)

    def _lots_to_lower(self, event: LotEvent) -> list[OpenLot]:
        """Open lots, in the order of the queue, of which an event takes cost but no units."""
        self._refuse_short(event)
        lots = [self.lots[position] for _, position in sorted(self.heap) if self.lots[position].units]
        if not lots:
            raise LotError(f"event {event.event_id} ({event.kind}) finds no units")
        self._share_pool()
        return lots

    def _lower(self, lot: OpenLot, price_cost: Decimal, tax_cost: Decimal) -> None:
        lot.price_cost_open -= price_cost
        lot.tax_cost_open -= tax_cost
        self.price_cost -= price_cost
        self.tax_cost -= tax_cost

    def _return_capital(self, event: LotEvent) -> None:
        """Lower the cost of open lots by their units; a lot's cost stops at zero, the rest is gain."""
        lots = self._lots_to_lower(event)
        for lot, proceeds in zip(
            lots, shares(event.proceeds, [lot.units for lot in lots], self.rules.money), strict=True
        ):
            price_cost = min(proceeds, lot.price_cost_open)
            tax_cost = min(proceeds, lot.tax_cost_open)
            self._lower(lot, price_cost, tax_cost)
            self.matches.append(
                LotMatch(
                    closing_event_id=event.event_id,
                    lot_id=lot.lot_id,
                    acquisition_date=lot.acquisition_date,
                    close_date=event.event_date,
                    units=ZERO,
                    price_cost=price_cost,
                    tax_cost=tax_cost,
                    proceeds=proceeds,
                    rule="return_of_capital",
                )
            )
        self._requeue()

    def _carve_out(self, event: LotEvent) -> None:
        """Let a share of every open lot's cost leave for another instrument; units stay."""
        lots = self._lots_to_lower(event)
        carried = []
        for lot in lots:
            price_cost = self._money(lot.price_cost_open * event.cost_share)
            tax_cost = self._money(lot.tax_cost_open * event.cost_share)
            self._lower(lot, price_cost, tax_cost)
            carried.append(CarriedLot(lot.lot_id, lot.acquisition_date, lot.units, price_cost, tax_cost))
        self.carried[event.event_id] = tuple(carried)
        self._requeue()

    def _share_pool(self) -> None:
        """Give every pooled lot its share of the pool's cost, by units."""
        if not self.pooled:
            return
        lots = [lot for lot in self.lots if lot.units]
        for lot in self.lots:
            lot.price_cost_open = lot.tax_cost_open = ZERO
        if not lots:
            return
        weights = [lot.units for lot in lots]
        price_costs = shares(self.price_cost, weights, self.rules.money)
        tax_costs = shares(self.tax_cost, weights, self.rules.money)
        for lot, price_cost, tax_cost in zip(lots, price_costs, tax_costs, strict=True):
            lot.price_cost_open, lot.tax_cost_open = price_cost, tax_cost

    def _requeue(self) -> None:
        """Rank lots again after their costs changed."""
        self.heap = [
            (self._rank(position), position) for _, position in self.heap if self.lots[position].units
        ]
        heapq.heapify(self.heap)

    def _receive(self, event: LotEvent, carried: tuple[CarriedLot, ...]) -> None:
        self.side = 1
        if not carried:
            if event.units <= 0:
                raise LotError(f"event {event.event_id} (transfer_in) brings neither lots nor units")
            self._open(event, event.event_id, None, event.acquisition_date or event.event_date, event)
            return
        for lot in carried:
            if wrong := _coarse(lot.units, lot.price_cost, lot.tax_cost):
                raise LotError(f"event {event.event_id}: lot {lot.lot_id} has {wrong}")
            if lot.units <= 0 or lot.acquisition_date > event.event_date:
                raise LotError(f"event {event.event_id}: lot {lot.lot_id} has no units or was acquired later")
        left = sum((lot.units for lot in carried), start=ZERO)
        whole = event.units or (left * event.ratio).quantize(UNITS)
        if event.ratio == ONE and not event.changes_instrument and whole != left:
            raise LotError(
                f"event {event.event_id} receives {whole:f} units of a transfer that carries {left:f}"
            )
        received = shares(whole, [lot.units for lot in carried], UNITS)
        if not all(received):
            raise LotError(f"event {event.event_id}: {whole:f} units leave a lot without any")
        for ordinal, (lot, units) in enumerate(zip(carried, received, strict=True), start=1):
            arrived = CarriedLot(
                lot_id=lot.lot_id,
                acquisition_date=lot.acquisition_date,
                units=units,
                price_cost=self._money(lot.price_cost * event.cost_rate),
                tax_cost=self._money(lot.tax_cost * event.cost_rate),
            )
            self._open(event, f"{event.event_id}#{ordinal}", lot.lot_id, lot.acquisition_date, arrived)

    def _note(self, day: date) -> None:
        """Keep the state at the close of the day, and only where it differs from the day before."""
        self.last_date = day
        price_cost, tax_cost = self.price_cost, self.tax_cost
        if (
            self.awaited and self.units_in_lots
        ):  # the pool's cost is also for units that a purchase will bring
            price_cost = self._money(price_cost * self.units / self.units_in_lots)
            tax_cost = self._money(tax_cost * self.units / self.units_in_lots)
        state = (self.units, price_cost, tax_cost)
        if self.side < 0:
            state = (-self.units, -price_cost, -tax_cost)
        if self.states and self.states[-1][0] == day:
            self.states.pop()
        if not self.states or self.states[-1][1:] != state:
            self.states.append((day, *state))

    def _money(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.rules.money)


def _is_chosen(lot: OpenLot, selection: LotSelection) -> bool:
    """Whether a lot agrees with all that a selection says; unit costs are compared at money's scale."""
    cost = selection.unit_cost
    return (
        (selection.lot_ids is None or lot.lot_id in selection.lot_ids)
        and (selection.acquisition_date is None or lot.acquisition_date == selection.acquisition_date)
        and (selection.label is None or lot.label == selection.label)
        and (cost is None or (cost * lot.units_acquired).quantize(MONEY) == lot.tax_cost.quantize(MONEY))
    )


def _coarse(units: Decimal, *money: Decimal) -> str | None:
    """The first number that is negative, not finite, or finer than the scale kept; None if all are well."""
    if not units.is_finite() or units < 0:
        return f"units of {units}"
    if units.quantize(UNITS) != units:
        return f"units of {units}, finer than {UNITS}"
    for amount in money:
        if not amount:
            continue
        if not amount.is_finite() or amount < 0:
            return f"money of {amount}"
        if amount.quantize(MONEY) != amount:
            return f"money of {amount}, finer than {MONEY}"
    return None
