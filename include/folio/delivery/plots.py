"""Charts of a mail as PNG pictures, drawn for a narrow screen and the same bytes for the same figures."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

WIDTH_INCHES = 3.6
DOTS_PER_INCH = 200  # 720 dots: sharp at twice the 360 px of a phone
INK = "#1f2933"
MUTED = "#7b8794"
RULE = "#e4e7eb"
LINE = "#0b6e99"
MOST_BARS = 8

SCALES = ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k"))


def value_chart(days: Sequence[date], values: Sequence[Decimal | None], currency: str) -> bytes:
    """PNG of a value over time; a day without a value is a gap in the line, never a zero.

    Parameters
    ----------
    days, values : of one length, oldest first.
    currency : code written above the axis.
    """
    figure, axes = _canvas(2.0)
    heights = np.array([np.nan if value is None else float(value) for value in values])
    moments = np.array(days, dtype="datetime64[D]")
    axes.plot(moments, heights, color=LINE, linewidth=1.6, solid_capstyle="round")
    known = np.flatnonzero(~np.isnan(heights))
    if known.size:
        last = known[-1]
        axes.plot(moments[last], heights[last], "o", color=LINE, markersize=4)
        low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
        margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - margin, high + margin)
        axes.fill_between(moments, heights, low - margin, color=LINE, alpha=0.08, linewidth=0)
    locator = AutoDateLocator(minticks=3, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_title(currency, loc="left", fontsize=7, color=MUTED)
    return _png(figure)


def allocation_chart(weights: Sequence[tuple[str, Decimal]]) -> bytes:
    """PNG of horizontal bars, largest first, each with name and share in per cent; small ones are summed.

    Parameters
    ----------
    weights : (name, fraction of the whole), in any order; a fraction may be negative.
    """
    ordered = sorted(weights, key=lambda pair: (-pair[1], pair[0]))
    if len(ordered) > MOST_BARS:
        rest = sum((weight for _, weight in ordered[MOST_BARS - 1 :]), Decimal(0))
        ordered = [*ordered[: MOST_BARS - 1], ("other", rest)]
    names = [_short_name(name) for name, _ in ordered]
    shares = np.array([float(weight) * 100 for _, weight in ordered])
    figure, axes = _canvas(0.35 + 0.26 * max(len(ordered), 1))
    places = np.arange(len(ordered))
    axes.barh(places, shares, height=0.55, color=LINE)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    axes.spines["bottom"].set_visible(False)
    widest = float(np.max(np.abs(shares), initial=1.0))
    axes.set_xlim(min(0.0, float(np.min(shares, initial=0.0)) * 1.25), widest * 1.25)
    for place, share in zip(places, shares, strict=True):
        axes.text(
            max(float(share), 0.0) + widest * 0.02,
            float(place),
            f"{share:.1f} %",
            va="center",
            fontsize=8,
            color=INK,
        )
    return _png(figure)


def _canvas(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(
        figsize=(WIDTH_INCHES, height_inches), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(labelsize=7, labelcolor=MUTED, color=RULE, length=2)
    return figure, axes


def _png(figure: Figure) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def _short(value: float, _: int | None = None) -> str:
    """Axis label of an amount: 1,250,000 is `1.25m`."""
    for scale, suffix in SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.4g}{suffix}"
    return f"{value:.4g}"


def _short_name(name: str) -> str:
    words = name.replace("_", " ")
    return words if len(words) <= 18 else words[:17] + "…"
