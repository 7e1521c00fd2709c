"""Average-cost investment: what the units held cost on average, moved by each booked event."""

from array import array
from collections.abc import Iterable
from enum import IntEnum

import numpy as np

from folio.figures.arrays import FloatArray

_NOTHING_LEFT = 1e-12  # share of units below which a position is empty: rounding of floats


class CostEffect(IntEnum):
    """What an event does to the cost of a position, in the order in which events of a day count."""

    SPLIT = 0
    CARVE_OUT = 1
    OPEN = 2
    TRANSFER_OUT = 3
    TRANSFER_IN = 4
    CLOSE = 5


def investment_changes(
    positions: Iterable[bytes],
    effects: Iterable[float],
    units: Iterable[float],
    ratios: Iterable[float],
    costs: Iterable[float],
    carry_rates: Iterable[float],
    pairs: Iterable[bytes],
) -> FloatArray:
    """Change of the average cost of what is held, by event.

    Parameters
    ----------
    positions
        Key of the account's units of an instrument, by event in order of date and effect.
    effects
        A `CostEffect` each.
    units
        Units added or taken, above zero; not read of a split or a carve-out.
    ratios
        New units for an old one, of a split; the share of cost that leaves, of a carve-out.
    costs
        What was paid without fees, of an opening, in the currency of the result.
    carry_rates
        Units of this position's currency for one of that which a transfer came from.
    pairs
        Key that a transfer out or carve-out shares with its transfer in; the cost on its way waits under it.
        A transfer in without one costs what it says.

    Returns
    -------
    float64 of shape (n_events,)
        Openings above zero, closings below; a closing takes the share of cost that its units have.
    """
    split, carve_out, opening, transfer_out, transfer_in = (  # plain numbers compare faster than members
        float(effect) for effect in CostEffect if effect is not CostEffect.CLOSE
    )
    held: dict[bytes, tuple[float, float]] = {}
    on_the_way: dict[bytes, float] = {}
    changes = array("d")
    for position, effect, moved, ratio, cost, carry_rate, pair in zip(
        positions, effects, units, ratios, costs, carry_rates, pairs, strict=True
    ):
        before, invested = held.get(position, (0.0, 0.0))
        change = 0.0
        if effect == split:
            held[position] = before * ratio, invested
        elif effect in (opening, transfer_in):
            is_carried = effect == transfer_in and pair in on_the_way
            change = on_the_way.pop(pair) * carry_rate if is_carried else cost
            held[position] = before + moved, invested + change
        elif effect == carve_out:
            change = -invested * ratio
            held[position] = before, invested + change
            on_the_way[pair] = -change
        else:
            share = min(moved / before, 1.0) if before > 0.0 else 0.0
            is_emptied = 1.0 - share < _NOTHING_LEFT
            change = -(invested if is_emptied else invested * share)
            held[position] = (0.0, 0.0) if is_emptied else (before - moved, invested + change)
            if effect == transfer_out:
                on_the_way[pair] = -change
        changes.append(change)
    return np.array(changes, dtype=np.float64)
