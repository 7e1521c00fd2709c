"""What tax law makes of matched lots: terms of gains, and wash sales across the accounts of a tax unit."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from uuid import UUID

from folio.errors import LotError
from folio.figures.lots.events import (
    EXACT,
    UNITS,
    ZERO,
    LedgerMatch,
    Lot,
    LotEvent,
    LotHistory,
    LotMatch,
    LotRules,
    Method,
)
from folio.figures.lots.terms import tax_on_gain, term_rule
from folio.figures.lots.wash_sales import TaxLot, wash_sales
from folio.jobs.tax_rules import WashRegime, term_rules, wash_regimes

Position = tuple[UUID, UUID]
"""Account and instrument."""
Place = tuple[Position, int | None, int]
"""Position, place of a match (None for an open lot), place of the lot."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What tax law asks of a position: whose it is, under which regime, of which class."""

    tax_regime: str
    tax_unit_id: UUID
    account_currency: str
    asset_class: str
    instrument_kind: str

    @property
    def taxed_class(self) -> str:
        """Asset class in tax law: crypto by its kind."""
        return "crypto" if self.instrument_kind == "crypto" else self.asset_class


@dataclass(frozen=True, slots=True)
class Taxed:
    """What law made of a match: its term (None where no rule says it), what was denied and added."""

    term: str | None
    disallowed: Decimal
    cost_added: Decimal


@dataclass(slots=True)
class LotTaxes:
    """Of every match by position and place, and what wash sales added to the cost of open lots, by lot id."""

    matches: dict[Position, list[Taxed]] = field(default_factory=dict)
    cost_added: dict[tuple[Position, str], Decimal] = field(default_factory=dict)


def rules_of(holder: Holder, method: Method) -> LotRules:
    """What decides a walk besides its method: the tax on a gain, where the method asks for it."""
    if method != "tax_minimising":
        return LotRules()
    return LotRules(tax_on=tax_on_gain(term_rules(), holder.tax_regime, holder.taxed_class))


def tax(
    ledger: LedgerMatch[Position],
    holders: Mapping[Position, Holder],
    events: Mapping[Position, Sequence[LotEvent]],
) -> LotTaxes:
    """Terms of all gains, and denied losses of the regimes that look for purchases around a sale.

    Wash sales couple what one tax unit holds of one instrument in one currency, in all its accounts; crypto
    is no security.
    """
    coupled: dict[Hashable, list[Position]] = defaultdict(list)
    for position, holder in holders.items():
        if holder.tax_regime in wash_regimes() and holder.instrument_kind != "crypto":
            coupled[holder.tax_unit_id, position[1], holder.account_currency].append(position)
    washed: dict[Place, list[TaxLot]] = defaultdict(list)
    with localcontext(EXACT):
        for positions in coupled.values():
            mine = [position for position in positions if position in ledger.histories]
            if any(match.gain < 0 for position in mine for match in ledger.histories[position].matches):
                for place, lot in _washed(mine, ledger, holders, events):
                    washed[place].append(lot)
        return _gathered(ledger, holders, washed)


def _gathered(
    ledger: LedgerMatch[Position],
    holders: Mapping[Position, Holder],
    washed: Mapping[Place, Sequence[TaxLot]],
) -> LotTaxes:
    taxes = LotTaxes()
    for position, history in ledger.histories.items():
        places = {lot.lot_id: place for place, lot in enumerate(history.lots)}
        taxes.matches[position] = []
        for number, match in enumerate(history.matches):
            pieces = washed.get((position, number, places[match.lot_id]), ())
            added_days = max((piece.days_added for piece in pieces), default=0)
            acquired = date.fromordinal(match.acquisition_date.toordinal() - added_days)
            taxes.matches[position].append(
                Taxed(
                    _term(holders[position], acquired, match),
                    match.disallowed + sum((piece.disallowed for piece in pieces), start=ZERO),
                    sum((piece.cost_added for piece in pieces), start=ZERO),
                )
            )
        for lot_id, place in places.items():
            pieces = washed.get((position, None, place), ())
            if added := sum((piece.cost_added for piece in pieces), start=ZERO):
                taxes.cost_added[position, lot_id] = added
    return taxes


def _term(holder: Holder, acquired: date, match: LotMatch) -> str | None:
    regime = holder.tax_regime
    try:
        rule = term_rule(term_rules(), regime, holder.taxed_class, acquired, match.close_date)
    except LotError:  # no rule for the regime, the class or those days: the term is not known
        return None
    return rule.term(acquired, match.close_date)


def _washed(
    positions: Sequence[Position],
    ledger: LedgerMatch[Position],
    holders: Mapping[Position, Holder],
    events: Mapping[Position, Sequence[LotEvent]],
) -> Iterator[tuple[Place, TaxLot]]:
    """Pieces after wash sales of one tax unit's lots of one instrument, with where they come from."""
    places: dict[str, Place] = {}
    lots: list[TaxLot] = []
    origins = {lot.lot_id: lot.origin_lot_id for p in positions for lot in ledger.histories[p].lots}
    for position in positions:
        regime = wash_regimes()[holders[position].tax_regime]
        splits = [event for event in events[position] if event.kind == "split"]
        for place, tax_lot in _tax_lots(position, ledger.histories[position], splits, regime, origins):
            places[tax_lot.lot_id] = place
            lots.append(tax_lot)
    rule = wash_regimes()[holders[positions[0]].tax_regime].rule
    for piece in wash_sales(lots, rule):
        yield places[piece.lot_id], piece


def _tax_lots(
    position: Position,
    history: LotHistory,
    splits: Sequence[LotEvent],
    regime: WashRegime,
    origins: Mapping[str, str | None],
) -> Iterator[tuple[Place, TaxLot]]:
    """Sold and open parts of lots, units on the split basis of the end."""
    places = {lot.lot_id: (place, lot) for place, lot in enumerate(history.lots)}
    for number, match in enumerate(history.matches):
        if match.units > 0:
            place, lot = places[match.lot_id]
            basis = Decimal(1)
            for split in splits:
                basis *= split.ratio if split.event_date > match.close_date else 1
            yield (
                (position, number, place),
                TaxLot(
                    lot_id=f"{match.closing_event_id}/{match.lot_id}",
                    purchase_id=_purchase(lot, origins),
                    group="",
                    units=max(UNITS, (match.units * basis).quantize(UNITS)),
                    acquisition_date=match.acquisition_date,
                    cost=match.tax_cost,
                    sale_date=match.close_date,
                    proceeds=match.proceeds,
                    is_retirement=regime.is_retirement,
                ),
            )
    for place, lot in places.values():
        if lot.units_open > 0:
            yield (
                (position, None, place),
                TaxLot(
                    lot_id=lot.lot_id,
                    purchase_id=_purchase(lot, origins),
                    group="",
                    units=lot.units_open,
                    acquisition_date=lot.acquisition_date,
                    cost=lot.tax_cost_open,
                    is_retirement=regime.is_retirement,
                ),
            )


def _purchase(lot: Lot, origins: Mapping[str, str | None]) -> str:
    """The lot that was bought, before any transfer."""
    name = lot.lot_id
    while origin := origins.get(name):
        name = origin
    return name
