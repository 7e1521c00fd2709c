"""Every format that Folio imports, and which of them a file is: exactly one, or it is refused."""

from folio.books.importers import (
    brokers,
    cas,
    cash_flows,
    coin_exchanges,
    degiro,
    ghostfolio,
    interactive_brokers,
    portfolio_performance,
    trade_republic,
    uk_brokers,
    wealthfolio,
)
from folio.books.importers.formats import Format, Sample
from folio.errors import PayloadError

FORMATS: tuple[Format, ...] = (
    *ghostfolio.FORMATS,
    *portfolio_performance.FORMATS,
    *interactive_brokers.FORMATS,
    *trade_republic.FORMATS,
    *degiro.FORMATS,
    *brokers.FORMATS,
    *uk_brokers.FORMATS,
    *wealthfolio.FORMATS,
    *coin_exchanges.FORMATS,
    *cas.FORMATS,
    *cash_flows.FORMATS,
)


def recognise(payload: bytes) -> Format | None:
    """The one format of a file, None where it is of none; PayloadError where two would read it."""
    sample = Sample(payload)
    fitting = [one for one in FORMATS if one.nearness(sample) == 1]
    if len(fitting) > 1:
        titles = " and ".join(one.title for one in fitting)
        raise PayloadError(f"could be {titles}: nothing is imported on a guess")
    return fitting[0] if fitting else None


def nearest(payload: bytes) -> tuple[float, str]:
    """The format that a file comes nearest to, with its share of what marks it."""
    sample = Sample(payload)
    near = max(FORMATS, key=lambda one: one.nearness(sample))
    return near.nearness(sample), near.title
