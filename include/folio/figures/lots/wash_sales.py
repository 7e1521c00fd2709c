"""Wash sales: losses denied because the same security was bought again near the sale, and what bears them.

Looks across all accounts of a tax unit. A denied loss moves to the purchase that replaced the units: it
raises its cost and lengthens its holding period, or is lost where a retirement account made the purchase.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

from folio.errors import LotError
from folio.figures.lots.events import EXACT, MONEY, ZERO


@dataclass(frozen=True, slots=True)
class WashRule:
    """Calendar days before and after a sale within which a purchase replaces what was sold."""

    days_before: int = 30
    days_after: int = 30


@dataclass(frozen=True, slots=True)
class TaxLot:
    """Units bought together that are still held, or were sold together, with what wash sales did to them.

    `purchase_id` says what was bought at once: a purchase replaces no units of itself. `group` names
    securities that are substantially identical. `sale_date` and `proceeds` are None while held. `disallowed`
    is the denied part of the loss; `cost_added` what replaced losses add to the cost, `days_added` to the
    holding period; `replaces` the purchases, in order, whose losses it bears.
    """

    lot_id: str
    purchase_id: str
    group: str
    units: Decimal
    acquisition_date: date
    cost: Decimal
    sale_date: date | None = None
    proceeds: Decimal | None = None
    is_retirement: bool = False
    disallowed: Decimal = ZERO
    is_replacement: bool = False
    cost_added: Decimal = ZERO
    days_added: int = 0
    replaces: tuple[str, ...] = ()

    @property
    def adjusted_cost(self) -> Decimal:
        """Cost with what it bears of denied losses."""
        return EXACT.add(self.cost, self.cost_added)

    @property
    def adjusted_acquisition_date(self) -> date:
        """Day from which the holding period counts."""
        return self.acquisition_date - timedelta(days=self.days_added)

    @property
    def loss(self) -> Decimal:
        """Adjusted cost less proceeds of what was sold; zero while held or at a gain."""
        if self.proceeds is None:
            return ZERO
        return max(ZERO, EXACT.subtract(self.adjusted_cost, self.proceeds))


def wash_sales(
    lots: Iterable[TaxLot], rule: WashRule | None = None, money: Decimal = MONEY
) -> tuple[TaxLot, ...]:
    """Deny losses whose units were bought again near the sale, and let the replacements bear them.

    Parameters
    ----------
    lots
        All lots of a tax unit, sold ones by sale; cost with fees, proceeds after fees, in one currency. What
        was denied, replaced or added to them before stays.
    rule
        Days around the sale; 30 on each side when None.
    money
        Scale to which parts of money are rounded.

    Returns
    -------
    tuple of TaxLot
        The lots in their order, each split where only part of it was replaced or replaces. Units, cost and
        proceeds add up to what was given; what is disallowed adds up to what is added to cost, but for
        replacements in retirement accounts, where it is lost.

    Raises
    ------
    LotError
        A lot has no units, or proceeds without a sale date.

    Notes
    -----
    Losses in order of sale, replacements in order of purchase; among those of one day first one of just the
    units wanted, then the smallest that has more, then the largest. Each unit replaces once. A replacement
    must be held until the sale or bought after it, and no purchase replaces a loss that came from itself.
    Source: United States Code, title 26, section 1091; Treasury Regulation 1.1091-1; Revenue Ruling 2008-5.
    """
    rule = rule or WashRule()
    with localcontext(EXACT):
        washing = _Washing(list(lots), rule, money)
        washing.run()
        return tuple(lot for pieces in washing.pieces for lot in pieces)


class _Washing:
    """Pieces of every lot while losses are worked off in order of sale."""

    def __init__(self, lots: Sequence[TaxLot], rule: WashRule, money: Decimal) -> None:
        self.rule, self.money = rule, money
        self.pieces: list[list[TaxLot]] = []
        self.purchases: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for place, lot in enumerate(lots):
            if lot.units <= 0 or (lot.proceeds is None) != (lot.sale_date is None):
                raise LotError(f"lot {lot.lot_id} has {lot.units} units or a sale in part")
            self.pieces.append([lot])
            insort(self.purchases[lot.group], (lot.acquisition_date, place))

    def run(self) -> None:
        """Work off the sales in order; a replacement's own sale comes later or on the same day."""
        sales = sorted(
            (pieces[0].sale_date, pieces[0].acquisition_date, place)
            for place, pieces in enumerate(self.pieces)
            if pieces[0].sale_date is not None
        )
        for _, _, place in sales:
            position = 0
            while position < len(self.pieces[place]):
                self._wash(place, position)
                position += 1

    def _wash(self, place: int, position: int) -> None:
        """Deny the loss of one piece as far as one replacement reaches; the rest becomes the next piece."""
        lot = self.pieces[place][position]
        if lot.loss <= 0 or lot.sale_date is None or lot.is_retirement or lot.disallowed:
            return  # what was denied before stays so
        found = self._replacement(lot, place)
        if found is None:
            return
        other, at = found
        units = min(lot.units, self.pieces[other][at].units)
        washed = self._cut(place, position, units)
        replacing = self._cut(other, at, units)
        loss = washed.loss
        self.pieces[place][position] = replace(washed, disallowed=loss)
        held = (lot.sale_date - lot.acquisition_date).days + lot.days_added
        bears = ZERO if replacing.is_retirement else loss
        self.pieces[other][at] = replace(
            replacing,
            is_replacement=True,
            cost_added=replacing.cost_added + bears,
            days_added=0 if replacing.is_retirement else replacing.days_added + held,
            replaces=(*replacing.replaces, *lot.replaces, lot.purchase_id),
        )

    def _replacement(self, lot: TaxLot, place: int) -> tuple[int, int] | None:
        """Where the piece stands that replaces units of a loss, None without one."""
        assert lot.sale_date is not None
        first = lot.sale_date - timedelta(days=self.rule.days_before)
        last = lot.sale_date + timedelta(days=self.rule.days_after)
        barred = {lot.purchase_id, *lot.replaces}
        best: tuple[tuple[date, int, Decimal, int, int], tuple[int, int]] | None = None
        purchases = self.purchases[lot.group]
        for bought, other in purchases[bisect_left(purchases, (first, -1)) :]:
            if bought > last or (best is not None and bought > best[0][0]):
                break
            for at, piece in enumerate(self.pieces[other]):
                if piece.is_replacement or piece.purchase_id in barred:
                    continue
                if piece.sale_date is not None and piece.sale_date < lot.sale_date:
                    continue
                if piece.disallowed:  # its own loss was denied: those units are gone
                    continue
                beyond = piece.units - lot.units
                size = 0 if not beyond else 1 if beyond > 0 else 2
                rank = (bought, size, abs(beyond), other, at)
                if best is None or rank < best[0]:
                    best = (rank, (other, at))
        return best[1] if best else None

    def _cut(self, place: int, position: int, units: Decimal) -> TaxLot:
        """Cut a piece in two at `units`, if it is larger, and give the first part."""
        lot = self.pieces[place][position]
        if units == lot.units:
            return lot
        cost = (lot.cost * units / lot.units).quantize(self.money)
        added = (lot.cost_added * units / lot.units).quantize(self.money)
        proceeds = None if lot.proceeds is None else (lot.proceeds * units / lot.units).quantize(self.money)
        taken = replace(lot, units=units, cost=cost, cost_added=added, proceeds=proceeds)
        rest = replace(
            lot,
            units=lot.units - units,
            cost=lot.cost - cost,
            cost_added=lot.cost_added - added,
            proceeds=None if lot.proceeds is None or proceeds is None else lot.proceeds - proceeds,
        )
        self.pieces[place][position : position + 1] = [taken, rest]
        return taken
