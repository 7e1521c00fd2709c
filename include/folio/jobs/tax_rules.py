"""Rules of tax law as dated rows: the project's seeds, read for the figures that need them."""

import csv
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from folio.figures.lots.terms import GrandfatheringRule, TermRule
from folio.settings import ROOT

SEEDS = ROOT / "dbt_project" / "seeds"


@cache
def term_rules(path: Path = SEEDS / "tax_terms.csv") -> tuple[TermRule, ...]:
    """How long a gain must have taken to be long, and its rates, by regime, asset class and dates."""
    return tuple(
        TermRule(
            regime=row["regime"],
            asset_class=row["asset_class"],
            acquired_from=_day(row["acquired_from"]),
            acquired_to=_day(row["acquired_to"]),
            sold_from=_day(row["sold_from"]),
            sold_to=_day(row["sold_to"]),
            long_after_months=int(row["long_after_months"]) if row["long_after_months"] else None,
            short_rate=Decimal(row["short_rate"]),
            long_rate=Decimal(row["long_rate"]),
            transfer_code=row["transfer_code"] or None,
        )
        for row in _rows(path)
    )


@cache
def grandfathering_rules(path: Path = SEEDS / "grandfathered_costs.csv") -> tuple[GrandfatheringRule, ...]:
    """Which old units may be given their value of a day as cost."""
    return tuple(
        GrandfatheringRule(
            regime=row["regime"],
            asset_class=row["asset_class"],
            acquired_to=date.fromisoformat(row["acquired_to"]),
            sold_from=date.fromisoformat(row["sold_from"]),
            valued_on=date.fromisoformat(row["valued_on"]),
            acquired_codes=(row["acquired_code_to"], row["acquired_code_after"]),
        )
        for row in _rows(path)
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
