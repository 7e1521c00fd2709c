"""Lots of one account's units of one instrument: opened by buys, closed by sales, carried by transfers.

Exact in Decimal: a part taken from a lot, or of a sale's proceeds, is rounded to the scale of its kind and
the last part takes what is left, so parts always add up to their whole.
"""

import heapq
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Generic, Literal, TypeVar

from folio.errors import LotError

Method = Literal["fifo", "fifo_by_entry", "lifo", "hifo"]
EventKind = Literal["open", "close", "split", "transfer_out", "transfer_in"]
Key = TypeVar("Key", bound=Hashable)

ZERO = Decimal(0)
ONE = Decimal(1)
MONEY = Decimal("1e-8")
UNITS = Decimal("1e-18")
EXACT = Context(prec=96, rounding=ROUND_HALF_EVEN)  # numeric(28,8) times numeric(38,18) fits without rounding


class Oversold(LotError):
    """An event takes more units than are held."""

    def __init__(self, event_id: str, held: Decimal, wanted: Decimal) -> None:
        super().__init__(f"event {event_id} takes {wanted:f} units where {held:f} are held")
        self.event_id, self.held, self.wanted = event_id, held, wanted


@dataclass(frozen=True, slots=True)
class CarriedLot:
    """Part of a lot on its way between accounts: its units, costs and acquisition date."""

    lot_id: str
    acquisition_date: date
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal


@dataclass(frozen=True, slots=True)
class LotEvent:
    """One booked event by its effect on lots; money in the account's currency, all but proceeds >= 0.

    open
        `units` at `price_cost` (without fees) and `tax_cost` (with fees), acquired on `acquisition_date`
        (the event's date when None). A bonus is an opening at no cost.
    close
        `units` leave for `proceeds` (after fees).
    split
        Each old unit becomes `ratio` new ones; cost and dates stay.
    transfer_out
        `units` leave and carry their costs and dates, to the `transfer_in` with the same `pair_id` if any.
    transfer_in
        Opens the `carried` lots, or those that its pair carried. `ratio` is units in per unit out (a merger);
        `units` is what was booked, 0 to take what the ratio gives; `cost_rate` turns carried costs into the
        receiving account's currency. With nothing carried it opens like `open`.
    """

    event_id: str
    event_date: date
    kind: EventKind
    units: Decimal = ZERO
    price_cost: Decimal = ZERO
    tax_cost: Decimal = ZERO
    proceeds: Decimal = ZERO
    ratio: Decimal = ONE
    cost_rate: Decimal = ONE
    acquisition_date: date | None = None
    carried: tuple[CarriedLot, ...] = ()
    pair_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """Units opened together, as they stand at the end; `units_acquired` is on the split basis of the end.

    `lot_id` is the opening event's id, with `#1`, `#2`, ... for the lots of one transfer; `origin_lot_id` is
    the lot it was in the account it came from. `closed_on` is the day the last units left, None while open.
    """

    lot_id: str
    opening_event_id: str
    origin_lot_id: str | None
    acquisition_date: date
    opened_on: date
    closed_on: date | None
    units_acquired: Decimal
    price_cost: Decimal
    tax_cost: Decimal
    units_open: Decimal
    price_cost_open: Decimal
    tax_cost_open: Decimal


@dataclass(frozen=True, slots=True)
class LotMatch:
    """Part of a sale met by one lot: units on the split basis of the sale, cost, share of net proceeds."""

    closing_event_id: str
    lot_id: str
    acquisition_date: date
    close_date: date
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal
    proceeds: Decimal

    @property
    def gain(self) -> Decimal:
        """Proceeds less cost with fees."""
        return EXACT.subtract(self.proceeds, self.tax_cost)

    @property
    def holding_days(self) -> int:
        """Calendar days from acquisition to sale."""
        return (self.close_date - self.acquisition_date).days


@dataclass(frozen=True, slots=True)
class PositionInterval:
    """Days, both ends included, with constant units and cost at their close; `valid_to` None: still open."""

    valid_from: date
    valid_to: date | None
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal


@dataclass(frozen=True, slots=True)
class LotHistory:
    """What one sequence of events left behind.

    `lots` in order of opening, closed ones included; `matches` in order of sale; `intervals` without overlap
    from the first event on (a stretch with nothing held has zero units); `carried` by transfer_out event id.
    """

    lots: tuple[Lot, ...]
    matches: tuple[LotMatch, ...]
    intervals: tuple[PositionInterval, ...]
    carried: Mapping[str, tuple[CarriedLot, ...]]

    @property
    def open_lots(self) -> tuple[Lot, ...]:
        """Lots with units left."""
        return tuple(lot for lot in self.lots if lot.units_open)


@dataclass(frozen=True, slots=True)
class RefusedEvent(Generic[Key]):
    """Event left out of a ledger, with the reason."""

    key: Key
    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerMatch(Generic[Key]):
    """Lot histories by key, the events refused, and what left by a pair id and has not arrived."""

    histories: Mapping[Key, LotHistory]
    refused: tuple[RefusedEvent[Key], ...]
    in_transit: Mapping[str, tuple[CarriedLot, ...]]


def match_lots(events: Iterable[LotEvent], method: Method = "fifo") -> LotHistory:
    """Walk one (account, instrument) sequence once and match what is sold against what was bought.

    Parameters
    ----------
    events
        In order of date and, within a day, of effect.
    method
        Which lot goes first: fifo the earliest acquired, fifo_by_entry the one that entered the account first
        (Indian depository accounts), lifo the latest acquired, hifo the highest tax cost a unit; among equals
        the one opened first (lifo: last).

    Raises
    ------
    Oversold
        An event takes more units than are held.
    LotError
        An event is out of order, has a number its kind cannot have, or one finer than money's 8 or units'
        18 decimals.
    """
    with localcontext(EXACT):
        walk = _Walk(method)
        for event in events:
            walk.take(event, event.carried)
        return walk.history()


def match_ledger(
    events_by_key: Mapping[Key, Sequence[LotEvent]],
    methods: Mapping[Key, Method] | None = None,
    on_refusal: Literal["raise", "skip"] = "raise",
) -> LedgerMatch[Key]:
    """Walk several sequences in common date order, handing carried lots from transfer_out to its pair.

    Parameters
    ----------
    events_by_key
        Ordered events by (account, instrument) or any other key. A pair id joins one transfer_out with one
        transfer_in; within a day the former is taken first, whichever key it stands under.
    methods
        Method by key; fifo where a key is missing.
    on_refusal
        "raise" stops at the first event that cannot be taken; "skip" leaves it out, reports it in `refused`,
        and goes on as if it were not booked.

    Raises
    ------
    Oversold, LotError
        As for `match_lots`; also when a transfer_in comes before its pair or its units disagree with it.
    """
    with localcontext(EXACT):
        ledger = _Ledger(events_by_key, methods or {}, on_refusal == "skip")
        ledger.walk()
        return LedgerMatch(
            histories={key: walk.history() for key, walk in ledger.walks.items()},
            refused=tuple(ledger.refused),
            in_transit=dict(ledger.in_transit),
        )


def shares(whole: Decimal, weights: Sequence[Decimal], quantum: Decimal) -> list[Decimal]:
    """Parts of `whole` in proportion to `weights`, each a multiple of `quantum`, that add up to it exactly.

    Cumulative shares are rounded, so no part is off by more than one quantum and the last takes the rest.
    """
    with localcontext(EXACT):
        total = sum(weights, start=ZERO)
        parts, seen, given = [], ZERO, ZERO
        for weight in weights[:-1]:
            seen += weight
            due = (whole * seen / total).quantize(quantum)
            parts.append(due - given)
            given = due
        return [*parts, whole - given]


@dataclass(slots=True)
class _OpenLot:
    """A lot while the walk goes on."""

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
    closed_on: date | None = None

    def as_lot(self) -> Lot:
        return Lot(
            lot_id=self.lot_id,
            opening_event_id=self.opening_event_id,
            origin_lot_id=self.origin_lot_id,
            acquisition_date=self.acquisition_date,
            opened_on=self.opened_on,
            closed_on=self.closed_on,
            units_acquired=self.units_acquired,
            price_cost=self.price_cost,
            tax_cost=self.tax_cost,
            units_open=self.units,
            price_cost_open=self.price_cost_open,
            tax_cost_open=self.tax_cost_open,
        )


@dataclass(slots=True)
class _Walk:
    """State along one sequence: lots, a heap of the open ones, running totals. Needs the EXACT context."""

    method: Method
    lots: list[_OpenLot] = field(default_factory=list)
    heap: list[tuple[Decimal | int, int, int]] = field(default_factory=list)  # (rank, tie, position in lots)
    matches: list[LotMatch] = field(default_factory=list)
    carried: dict[str, tuple[CarriedLot, ...]] = field(default_factory=dict)
    states: list[tuple[date, Decimal, Decimal, Decimal]] = field(default_factory=list)
    last_date: date | None = None
    units: Decimal = ZERO
    price_cost: Decimal = ZERO
    tax_cost: Decimal = ZERO

    def take(self, event: LotEvent, carried: tuple[CarriedLot, ...]) -> None:
        """Apply one event, or raise and leave the state as it was."""
        self._refuse_malformed(event)
        match event.kind:
            case "open":
                self._open(event, event.event_id, None, event.acquisition_date or event.event_date, event)
            case "close":
                self._close(event)
            case "split":
                self._split(event)
            case "transfer_out":
                self.carried[event.event_id] = tuple(
                    CarriedLot(lot.lot_id, lot.acquisition_date, units, price_cost, tax_cost)
                    for lot, units, price_cost, tax_cost in self._remove(event)
                )
            case "transfer_in":
                self._receive(event, carried)
        self._note(event.event_date)

    def history(self) -> LotHistory:
        intervals = []
        for position, (day, units, price_cost, tax_cost) in enumerate(self.states):
            following = self.states[position + 1][0] if position + 1 < len(self.states) else None
            valid_to = following - timedelta(days=1) if following else None
            intervals.append(PositionInterval(day, valid_to, units, price_cost, tax_cost))
        lots = tuple(lot.as_lot() for lot in self.lots)
        return LotHistory(lots, tuple(self.matches), tuple(intervals), dict(self.carried))

    def _refuse_malformed(self, event: LotEvent) -> None:
        name = f"event {event.event_id}"
        if self.last_date is not None and event.event_date < self.last_date:
            raise LotError(f"{name} of {event.event_date} follows one of {self.last_date}")
        _refuse_coarse(name, event.units, event.price_cost, event.tax_cost, abs(event.proceeds))
        if event.kind in ("open", "close", "transfer_out") and event.units <= 0:
            raise LotError(f"{name} ({event.kind}) needs units above zero, has {event.units:f}")
        for what, factor in (("ratio", event.ratio), ("cost rate", event.cost_rate)):
            if not (factor.is_finite() and factor > 0):
                raise LotError(f"{name} needs a {what} above zero, has {factor}")
        acquired = event.acquisition_date
        if acquired is not None and acquired > event.event_date:
            raise LotError(f"{name} of {event.event_date} opens a lot acquired later, on {acquired}")

    def _open(
        self,
        event: LotEvent,
        lot_id: str,
        origin: str | None,
        acquired: date,
        bought: LotEvent | CarriedLot,
    ) -> None:
        self.lots.append(
            _OpenLot(
                lot_id=lot_id,
                opening_event_id=event.event_id,
                origin_lot_id=origin,
                acquisition_date=acquired,
                opened_on=event.event_date,
                units_acquired=bought.units,
                price_cost=bought.price_cost,
                tax_cost=bought.tax_cost,
                units=bought.units,
                price_cost_open=bought.price_cost,
                tax_cost_open=bought.tax_cost,
            )
        )
        self.units += bought.units
        self.price_cost += bought.price_cost
        self.tax_cost += bought.tax_cost
        heapq.heappush(self.heap, self._place(len(self.lots) - 1))

    def _place(self, position: int) -> tuple[Decimal | int, int, int]:
        """Place of a lot in the queue; smallest goes first."""
        lot = self.lots[position]
        if self.method == "fifo":
            return lot.acquisition_date.toordinal(), position, position
        if self.method == "fifo_by_entry":
            return position, position, position
        if self.method == "lifo":
            return -lot.acquisition_date.toordinal(), -position, position
        return -lot.tax_cost_open / lot.units, position, position

    def _remove(self, event: LotEvent) -> list[tuple[_OpenLot, Decimal, Decimal, Decimal]]:
        """Take the event's units from lots in order: (lot, units, price cost, tax cost) by part."""
        if event.units > self.units:
            raise Oversold(event.event_id, self.units, event.units)
        wanted, parts = event.units, []
        while wanted:
            lot = self.lots[self.heap[0][2]]
            if lot.units <= wanted:
                heapq.heappop(self.heap)
                taken, price_cost, tax_cost = lot.units, lot.price_cost_open, lot.tax_cost_open
                lot.closed_on = event.event_date
            else:
                taken = wanted
                price_cost = (lot.price_cost_open * taken / lot.units).quantize(MONEY)
                tax_cost = (lot.tax_cost_open * taken / lot.units).quantize(MONEY)
            lot.units -= taken
            lot.price_cost_open -= price_cost
            lot.tax_cost_open -= tax_cost
            self.price_cost -= price_cost
            self.tax_cost -= tax_cost
            wanted -= taken
            parts.append((lot, taken, price_cost, tax_cost))
        self.units -= event.units
        return parts

    def _close(self, event: LotEvent) -> None:
        parts = self._remove(event)
        proceeds = shares(event.proceeds, [units for _, units, _, _ in parts], MONEY)
        self.matches.extend(
            LotMatch(
                closing_event_id=event.event_id,
                lot_id=lot.lot_id,
                acquisition_date=lot.acquisition_date,
                close_date=event.event_date,
                units=units,
                price_cost=price_cost,
                tax_cost=tax_cost,
                proceeds=part,
            )
            for (lot, units, price_cost, tax_cost), part in zip(parts, proceeds, strict=True)
        )

    def _split(self, event: LotEvent) -> None:
        """Multiply units; the total is rounded once, and lots share it."""
        positions = sorted(entry[2] for entry in self.heap)
        if not positions:
            return
        whole = (self.units * event.ratio).quantize(UNITS)
        split_units = shares(whole, [self.lots[position].units for position in positions], UNITS)
        if not all(split_units):
            raise LotError(f"event {event.event_id}: a ratio of {event.ratio} leaves a lot without units")
        for position, units in zip(positions, split_units, strict=True):
            lot = self.lots[position]
            acquired = (lot.units_acquired * event.ratio).quantize(UNITS)
            lot.units_acquired = units if lot.units_acquired == lot.units else max(acquired, units)
            lot.units = units
        self.units = whole
        self.heap = [self._place(position) for position in positions]
        heapq.heapify(self.heap)

    def _receive(self, event: LotEvent, carried: tuple[CarriedLot, ...]) -> None:
        if not carried:
            if event.units <= 0:
                raise LotError(f"event {event.event_id} (transfer_in) brings neither lots nor units")
            self._open(event, event.event_id, None, event.acquisition_date or event.event_date, event)
            return
        for lot in carried:
            _refuse_coarse(
                f"event {event.event_id}: lot {lot.lot_id}", lot.units, lot.price_cost, lot.tax_cost
            )
            if lot.units <= 0 or lot.acquisition_date > event.event_date:
                raise LotError(f"event {event.event_id}: lot {lot.lot_id} has no units or was acquired later")
        left = sum((lot.units for lot in carried), start=ZERO)
        whole = event.units or (left * event.ratio).quantize(UNITS)
        if event.ratio == ONE and whole != left:
            raise LotError(
                f"event {event.event_id} receives {whole:f} units of a transfer that carries {left:f}"
            )
        received = shares(whole, [lot.units for lot in carried], UNITS)
        if not all(received):
            raise LotError(f"event {event.event_id}: a ratio of {event.ratio} leaves a lot without units")
        for ordinal, (lot, units) in enumerate(zip(carried, received, strict=True), start=1):
            arrived = CarriedLot(
                lot_id=lot.lot_id,
                acquisition_date=lot.acquisition_date,
                units=units,
                price_cost=(lot.price_cost * event.cost_rate).quantize(MONEY),
                tax_cost=(lot.tax_cost * event.cost_rate).quantize(MONEY),
            )
            self._open(event, f"{event.event_id}#{ordinal}", lot.lot_id, lot.acquisition_date, arrived)

    def _note(self, day: date) -> None:
        """Keep the state at the close of the day, and only where it differs from the day before."""
        self.last_date = day
        if self.states and self.states[-1][0] == day:
            self.states.pop()
        if not self.states or self.states[-1][1:] != (self.units, self.price_cost, self.tax_cost):
            self.states.append((day, self.units, self.price_cost, self.tax_cost))


@dataclass(slots=True)
class _Ledger(Generic[Key]):
    """Walks of several keys, day by day, with what is on its way between them."""

    events_by_key: Mapping[Key, Sequence[LotEvent]]
    methods: Mapping[Key, Method]
    skips: bool
    walks: dict[Key, _Walk] = field(default_factory=dict)
    refused: list[RefusedEvent[Key]] = field(default_factory=list)
    in_transit: dict[str, tuple[CarriedLot, ...]] = field(default_factory=dict)
    sent: set[str] = field(
        default_factory=set
    )  # pair ids of the transfer_out events that are settled, also refused

    def walk(self) -> None:
        by_day: dict[date, dict[Key, deque[LotEvent]]] = {}
        expected: dict[str, int] = {}
        for key, events in self.events_by_key.items():
            self.walks[key] = _Walk(self.methods.get(key, "fifo"))
            for event in events:
                by_day.setdefault(event.event_date, {}).setdefault(key, deque()).append(event)
                if event.kind == "transfer_out" and event.pair_id is not None:
                    expected[event.pair_id] = expected.get(event.pair_id, 0) + 1
        for pair_id, count in expected.items():
            if count > 1:
                raise LotError(f"pair {pair_id} joins {count} transfer_out events where one is meant")
        for day in sorted(by_day):
            self._walk_day(by_day[day], expected)

    def _walk_day(self, queues: dict[Key, deque[LotEvent]], expected: Mapping[str, int]) -> None:
        """Take the day's events key by key; a transfer_in waits for a pair that leaves on the same day."""
        leaving = {e.pair_id for queue in queues.values() for e in queue if e.kind == "transfer_out"} - {None}

        def waits(event: LotEvent) -> bool:
            return event.kind == "transfer_in" and event.pair_id in leaving and event.pair_id not in self.sent

        while pending := [key for key, queue in queues.items() if queue]:
            moved = False
            for key in pending:
                queue = queues[key]
                while queue and not waits(queue[0]):
                    self._take(key, queue.popleft(), expected)
                    moved = True
            if not moved:  # pairs wait for each other in a ring
                event = queues[pending[0]].popleft()
                reason = f"event {event.event_id}: pair {event.pair_id} arrives before it can leave"
                self._refuse(pending[0], event, LotError(reason))

    def _take(self, key: Key, event: LotEvent, expected: Mapping[str, int]) -> None:
        try:
            carried = event.carried
            if event.kind == "transfer_in" and event.pair_id in expected:
                if event.pair_id not in self.in_transit:
                    raise LotError(f"event {event.event_id}: nothing of pair {event.pair_id} is on its way")
                carried = self.in_transit[event.pair_id]
            self.walks[key].take(event, carried)
        except LotError as error:
            self._refuse(key, event, error)
        else:
            if event.pair_id is not None and event.kind == "transfer_out":
                self.in_transit[event.pair_id] = self.walks[key].carried[event.event_id]
            elif event.pair_id is not None and event.kind == "transfer_in":
                self.in_transit.pop(event.pair_id, None)
        if event.pair_id is not None and event.kind == "transfer_out":
            self.sent.add(event.pair_id)

    def _refuse(self, key: Key, event: LotEvent, error: LotError) -> None:
        if not self.skips:
            raise error
        self.refused.append(RefusedEvent(key, event.event_id, str(error)))


def _refuse_coarse(name: str, units: Decimal, *money: Decimal) -> None:
    """Refuse numbers that are negative, not finite, or finer than the scale kept."""
    for number, quantum, what in [(units, UNITS, "units"), *((amount, MONEY, "money") for amount in money)]:
        if not number.is_finite() or number < 0:
            raise LotError(f"{name} has {what} of {number}")
        if number.quantize(quantum) != number:
            raise LotError(f"{name} has {what} of {number}, finer than {quantum}")
