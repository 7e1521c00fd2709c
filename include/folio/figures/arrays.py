"""Array types that the figures share; a docstring beside each use gives the shape and the unit."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

DateArray: TypeAlias = NDArray[np.datetime64]
"""Days, datetime64[D]."""

FloatArray: TypeAlias = NDArray[np.float64]
"""Numbers, float64; NaN is the null of arrays."""

BoolArray: TypeAlias = NDArray[np.bool_]
"""Flags."""

IntArray: TypeAlias = NDArray[np.int64]
"""Counts and positions in another array."""
