"""Changes of value that meet linear constraints on weighted sums, such as classes of mixed funds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

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
