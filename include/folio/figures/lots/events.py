"""What goes into lot matching and what comes out: events, lots, matches, positions and rules."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Generic, Literal, TypeVar

from folio.errors import LotError

Method = Literal[
    "fifo",
    "fifo_by_entry",
    "lifo",
    "hifo",
    "average",
    "specific",
    "specific_by_size",
    "tax_minimising",
    "section_104",
    "acb",
]
EventKind = Literal[
    "open",
    "close",
    "split",
    "bonus_spread",
    "return_of_capital",
    "carve_out",
    "transfer_out",
    "transfer_in",
]
MatchRule = Literal["lot", "same_day", "later_days", "pool", "short", "return_of_capital"]
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


class NoSuchLot(LotError):
    """An event names lots of which none is open."""


class AmbiguousLots(LotError):
    """An event leaves open which of several lots it takes, and its method does not decide."""


@dataclass(frozen=True, slots=True)
class LotSelection:
    """Lots an event names: each part that is given must agree; costs are per unit, with fees."""

    lot_ids: frozenset[str] | None = None
    unit_cost: Decimal | None = None
    acquisition_date: date | None = None
    label: str | None = None


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
        (the event's date when None). An Indian bonus is an opening at no cost. Short units are covered
        first, those of `selection` if one is given.
    close
        `units` leave for `proceeds` (after fees), out of the lots of `selection` if one is given. Where the
        rules carry shorts, what is not held opens a short lot.
    split
        Each old unit becomes `ratio` new ones; cost and dates stay.
    bonus_spread
        `units` come without cost and are spread over the open lots, whose cost and dates stay.
    return_of_capital
        `proceeds` lower the cost of the open lots by their units; what a lot's cost cannot take is gain.
    carve_out
        `cost_share` of the cost of every open lot leaves with its dates for the pair (segregation, spin-off);
        units stay.
    transfer_out
        `units` leave and carry their costs and dates, to the `transfer_in` with the same `pair_id` if any.
    transfer_in
        Opens the `carried` lots, or those that its pair carried. `units` is what was booked, 0 to take what
        `ratio` gives, which is units in per unit out; both must agree where that is one, unless the units
        are of another instrument (`changes_instrument`: a merger). `cost_rate` turns carried costs into the
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
    changes_instrument: bool = False
    cost_rate: Decimal = ONE
    cost_share: Decimal = ZERO
    acquisition_date: date | None = None
    carried: tuple[CarriedLot, ...] = ()
    pair_id: str | None = None
    label: str | None = None
    selection: LotSelection | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """Units opened together, as they stand at the end; `units_acquired` is on the split basis of the end.

    `lot_id` is the opening event's id, with `#1`, `#2`, ... for the lots of one transfer; `origin_lot_id` is
    the lot it was in the account it came from. `closed_on` is the day the last units left, None while open.
    A short lot has units and costs below zero: its cost is what its sale brought.
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
    label: str | None = None


@dataclass(frozen=True, slots=True)
class LotMatch:
    """Part of a sale met by one lot: units on the split basis of the sale, cost, share of net proceeds.

    `rule` says why this lot: its place in the queue, the same day, the days after the sale, the pool; a
    cover of a short (units, cost and proceeds below zero) or a return of capital (no units). `disallowed` is
    the part of a loss that tax law denies now and adds to the cost of what replaced the units.
    """

    closing_event_id: str
    lot_id: str
    acquisition_date: date
    close_date: date
    units: Decimal
    price_cost: Decimal
    tax_cost: Decimal
    proceeds: Decimal
    rule: MatchRule = "lot"
    disallowed: Decimal = ZERO

    @property
    def gain(self) -> Decimal:
        """Proceeds less cost with fees."""
        return EXACT.subtract(self.proceeds, self.tax_cost)

    @property
    def taxable_gain(self) -> Decimal:
        """Gain with what is disallowed of a loss left out."""
        return EXACT.add(self.gain, self.disallowed)

    @property
    def holding_days(self) -> int:
        """Calendar days from acquisition to sale; below zero where the sale is met by a later purchase."""
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


@dataclass(frozen=True, slots=True)
class SuperficialLoss:
    """Canada's rule: a loss is denied where units bought near the sale are still held when the days end.

    `share`: `least` denies loss * min(sold, bought, held at the end) / sold, the formula of the revenue
    agency; `whole` denies all of it, the wording of the act.
    """

    days_before: int = 30
    days_after: int = 30
    share: Literal["least", "whole"] = "least"


@dataclass(frozen=True, slots=True)
class LotRules:
    """What decides a walk besides its method.

    `shorts`: whether a sale beyond what is held is refused or opens a short lot. `later_days`: days after a
    sale whose purchases it is met by first (section_104). `superficial`: the rule of denied losses (acb),
    None for none. `tax_on`: tax on a gain a unit, by acquisition date, sale date and gain (tax_minimising).
    `money`: the scale to which parts of money are rounded.
    """

    shorts: Literal["refused", "carried"] = "refused"
    later_days: int = 30
    superficial: SuperficialLoss | None = field(default_factory=SuperficialLoss)
    tax_on: Callable[[date, date, Decimal], Decimal] | None = None
    money: Decimal = MONEY
