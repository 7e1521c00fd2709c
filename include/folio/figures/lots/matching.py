"""Lots of one account's units of one instrument: opened by buys, closed by sales, carried by transfers.

Exact in Decimal: a part taken from a lot, or of a sale's proceeds, is rounded to the scale of its kind and
the last part takes what is left, so parts always add up to their whole.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import localcontext
from typing import Generic, Literal

from folio.errors import LotError
from folio.figures.lots.events import (
    EXACT,
    CarriedLot,
    Key,
    LedgerMatch,
    LotEvent,
    LotHistory,
    LotRules,
    Method,
    RefusedEvent,
)
from folio.figures.lots.walk import Walk

LOOKING_AHEAD = frozenset({"section_104", "acb"})
"""Methods under which later events decide what a sale costs."""
LEAVING = frozenset({"transfer_out", "carve_out"})
"""Kinds whose lots or costs another key may wait for."""


def match_lots(
    events: Iterable[LotEvent], method: Method = "fifo", rules: LotRules | None = None
) -> LotHistory:
    """Walk one (account, instrument) sequence once and match what is sold against what was bought.

    Parameters
    ----------
    events
        In order of date and, within a day, of effect.
    method
        Which lot goes first: fifo the earliest acquired, fifo_by_entry the one that entered the account first
        (Indian depository accounts), lifo the latest acquired, hifo the highest tax cost a unit; among equals
        the one opened first (lifo: last). specific takes the lots that the sale names and refuses what leaves
        a choice; specific_by_size then takes the first lot of just the wanted size. tax_minimising takes the
        least tax a unit at the sale's price (`rules.tax_on`). average: one moving cost for all units, dates
        as in fifo. section_104: purchases of the day, then of the days after, then the pool (United Kingdom;
        shorts are always refused). acb: average with losses denied by `rules.superficial` (Canada).
    rules
        What else decides; the defaults of `LotRules` when None.

    Raises
    ------
    Oversold
        An event takes more units than are held.
    NoSuchLot, AmbiguousLots
        A sale names lots that are not open, or does not say of which it takes.
    LotError
        An event is out of order, has a number its kind cannot have, or one finer than money's 8 or units'
        18 decimals.
    """
    with localcontext(EXACT):
        sequence = tuple(events)
        walk = Walk(method, rules or LotRules(), sequence)
        for event in sequence:
            walk.take(event, event.carried)
        return walk.history()


def match_ledger(
    events_by_key: Mapping[Key, Sequence[LotEvent]],
    methods: Mapping[Key, Method] | None = None,
    on_refusal: Literal["raise", "skip"] = "raise",
    rules: Mapping[Key, LotRules] | None = None,
) -> LedgerMatch[Key]:
    """Walk several sequences in common date order, handing carried lots from transfer_out to its pair.

    Parameters
    ----------
    events_by_key
        Ordered events by (account, instrument) or any other key. A pair id joins one transfer_out or
        carve_out with one transfer_in; within a day the former is taken first, whichever key it stands under.
    methods
        Method by key; fifo where a key is missing.
    on_refusal
        "raise" stops at the first event that cannot be taken; "skip" leaves it out, reports it in `refused`,
        and goes on as if it were not booked.
    rules
        Rules by key; the defaults of `LotRules` where a key is missing.

    Raises
    ------
    Oversold, LotError
        As for `match_lots`; also when a transfer_in comes before its pair or its units disagree with it.
    """
    with localcontext(EXACT):
        left_out: list[RefusedEvent[Key]] = []
        while True:
            ledger = _Ledger(events_by_key, methods or {}, rules or {}, on_refusal == "skip")
            ledger.walk()
            again = [event for event in ledger.refused if event.key in ledger.to_walk_again]
            if not again:
                break
            left_out += again
            gone = {(event.key, event.event_id) for event in again}
            events_by_key = {
                key: [event for event in events if (key, event.event_id) not in gone]
                for key, events in events_by_key.items()
            }
        return LedgerMatch(
            histories={key: walk.history() for key, walk in ledger.walks.items()},
            refused=(*left_out, *ledger.refused),
            in_transit=dict(ledger.in_transit),
        )


@dataclass(slots=True)
class _Ledger(Generic[Key]):
    """Walks of several keys, day by day, with what is on its way between them."""

    events_by_key: Mapping[Key, Sequence[LotEvent]]
    methods: Mapping[Key, Method]
    rules: Mapping[Key, LotRules]
    skips: bool
    walks: dict[Key, Walk] = field(default_factory=dict)
    refused: list[RefusedEvent[Key]] = field(default_factory=list)
    in_transit: dict[str, tuple[CarriedLot, ...]] = field(default_factory=dict)
    to_walk_again: set[Key] = field(default_factory=set)  # keys that saw ahead what was refused, if any was
    sent: set[str] = field(default_factory=set)  # pair ids of leaving events that are settled, also refused

    def walk(self) -> None:
        by_day: dict[date, dict[Key, deque[LotEvent]]] = {}
        expected: dict[str, int] = {}
        for key, events in self.events_by_key.items():
            self.walks[key] = Walk(self.methods.get(key, "fifo"), self.rules.get(key) or LotRules(), events)
            if all(event.pair_id is None for event in events):  # nothing joins it with another
                self._walk_alone(key, list(events))
                continue
            if self.methods.get(key, "fifo") in LOOKING_AHEAD:
                self.to_walk_again.add(key)
            for event in events:
                by_day.setdefault(event.event_date, {}).setdefault(key, deque()).append(event)
                if event.kind in LEAVING and event.pair_id is not None:
                    expected[event.pair_id] = expected.get(event.pair_id, 0) + 1
        if not self.skips:
            for pair_id in expected:
                _refuse_ambiguous(pair_id, expected)
        for day in sorted(by_day):
            self._walk_day(by_day[day], expected)

    def _walk_alone(self, key: Key, events: list[LotEvent]) -> None:
        """Take one key's events; a method that looks ahead starts again without an event it refuses."""
        looks_ahead = self.methods.get(key, "fifo") in LOOKING_AHEAD
        place = 0
        while place < len(events):
            try:
                self.walks[key].take(events[place], events[place].carried)
            except LotError as error:
                self._refuse(key, events.pop(place), error)
                if looks_ahead:
                    self.walks[key] = Walk(self.walks[key].method, self.walks[key].rules, events)
                    place = 0
            else:
                place += 1

    def _walk_day(self, queues: dict[Key, deque[LotEvent]], expected: Mapping[str, int]) -> None:
        """Take the day's events key by key; a transfer_in waits for a pair that leaves on the same day."""
        leaving = {e.pair_id for queue in queues.values() for e in queue if e.kind in LEAVING} - {None}

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
            if event.kind in LEAVING:
                _refuse_ambiguous(event.pair_id, expected)
            if event.kind == "transfer_in" and event.pair_id in expected:
                if event.pair_id not in self.in_transit:
                    raise LotError(f"event {event.event_id}: nothing of pair {event.pair_id} is on its way")
                carried = self.in_transit[event.pair_id]
            self.walks[key].take(event, carried)
        except LotError as error:
            self._refuse(key, event, error)
        else:
            if event.pair_id is not None and event.kind in LEAVING:
                self.in_transit[event.pair_id] = self.walks[key].carried[event.event_id]
            elif event.pair_id is not None and event.kind == "transfer_in":
                self.in_transit.pop(event.pair_id, None)
        if event.pair_id is not None and event.kind in LEAVING:
            self.sent.add(event.pair_id)

    def _refuse(self, key: Key, event: LotEvent, error: LotError) -> None:
        if not self.skips:
            raise error
        self.refused.append(RefusedEvent(key, event.event_id, str(error)))


def _refuse_ambiguous(pair_id: str | None, expected: Mapping[str, int]) -> None:
    """LotError where several events leave under one pair id: none says which of them arrives."""
    if pair_id is not None and (count := expected.get(pair_id, 0)) > 1:
        raise LotError(f"pair {pair_id} joins {count} leaving events where one is meant")
