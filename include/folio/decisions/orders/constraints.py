"""Changes of value that meet linear constraints on weighted sums, such as classes of mixed funds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

import numpy as np

from folio.errors import OrderError

CENT = Decimal("0.01")
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Constraint:
    """The weighted sum of changes that is wanted: sum of weights[name] x change[name] = target."""

    weights: Mapping[str, Decimal]
    target: Decimal


@dataclass(frozen=True, slots=True)
class Changes:
    """Change of value by name, to the cent.

    `is_exact` where every constraint is met; `ambiguous` names those whose change another solution
    would share out otherwise.
    """

    amounts: Mapping[str, Decimal]
    is_exact: bool
    ambiguous: frozenset[str]


def rebalance(constraints: Sequence[Constraint]) -> Changes:
    """Changes that meet the constraints, by least squares; of several the smallest.

    Raises
    ------
    OrderError
        There is no constraint, or none has a weight.
    """
    names = sorted({name for constraint in constraints for name in constraint.weights})
    if not names:
        raise OrderError("a rebalance needs at least one constraint with a weight")
    weights = np.array([[float(c.weights.get(name, 0)) for name in names] for c in constraints])
    targets = np.array([float(c.target) for c in constraints])
    changes, _, rank, _ = np.linalg.lstsq(weights, targets, rcond=None)
    residual = np.abs(weights @ changes - targets).max()
    _, _, directions = np.linalg.svd(weights)
    free = np.abs(directions[rank:]).max(axis=0) if rank < len(names) else np.zeros(len(names))
    return Changes(
        amounts={
            name: Decimal(repr(float(x))).quantize(CENT) for name, x in zip(names, changes, strict=True)
        },
        is_exact=bool(residual <= SAME * max(1.0, np.abs(targets).max())),
        ambiguous=frozenset(name for name, share in zip(names, free, strict=True) if share > SAME),
    )


def rebalance_with_fewest(constraints: Sequence[Constraint], tradable: int = 12) -> Changes:
    """As `rebalance`, changing as few names as can meet all constraints.

    Of several sets of one size the one that moves least counts, then the first by name, and `ambiguous` names
    the members of all of them. Where no changes meet all constraints, those of `rebalance` are given.

    Raises
    ------
    OrderError
        As for `rebalance`, or more than `tradable` names: the sets are tried one by one.
    """
    whole = rebalance(constraints)
    names = sorted(whole.amounts)
    if len(names) > tradable:
        raise OrderError(f"{len(names)} names are too many to try every set of; at most {tradable}")
    if not whole.is_exact:
        return whole
    for size in range(len(names)):
        fits = []
        for chosen in combinations(names, size):
            kept = [
                Constraint({name: c.weights[name] for name in chosen if name in c.weights}, c.target)
                for c in constraints
            ]
            if not any(c.weights for c in kept):
                continue
            changes = rebalance(kept)
            if changes.is_exact:
                fits.append(changes)
        if fits:
            first = min(fits, key=lambda changes: sum(map(abs, changes.amounts.values())))
            members = frozenset(name for changes in fits for name in changes.amounts)
            return Changes(
                amounts=dict.fromkeys(names, Decimal("0.00")) | dict(first.amounts),
                is_exact=True,
                ambiguous=members if len(fits) > 1 else first.ambiguous,
            )
    return whole
