"""Rules of tax law as dated rows: the project's seeds, read for the figures that need them."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType

from folio.errors import FolioError
from folio.figures.lots.terms import GrandfatheringRule, TermRule
from folio.figures.lots.wash_sales import WashRule
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


@dataclass(frozen=True, slots=True)
class WashRegime:
    """The wash-sale rule of one tax regime, and whether its accounts lose what a denied loss would add."""

    rule: WashRule
    is_retirement: bool


@cache
def wash_regimes(path: Path = SEEDS / "wash_rules.csv") -> Mapping[str, WashRegime]:
    """Regimes that deny losses of units bought again."""
    return MappingProxyType(
        {
            row["regime"]: WashRegime(
                WashRule(int(row["days_before"]), int(row["days_after"])), row["is_retirement"] == "true"
            )
            for row in _rows(path)
        }
    )


@dataclass(frozen=True, slots=True)
class TaxYear:
    """Days of one regime's tax year, and the form on which its gains are declared."""

    regime: str
    first_day: date
    last_day: date
    form: str


def tax_years(name: str, path: Path = SEEDS / "tax_years.csv") -> tuple[TaxYear, ...]:
    """Tax years of all regimes by name: `2024` for a calendar year, `2024-25` for one that ends in the next.

    Raises
    ------
    FolioError
        The name is neither.
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?", name)
    if match is None or (match[2] and int(match[2]) != (int(match[1]) + 1) % 100):
        raise FolioError(f"Tax year {name!r} is neither like 2024 nor like 2024-25.")
    year, spans = int(match[1]), match[2] is not None
    found = []
    for row in _rows(path):
        month, day = int(row["first_month"]), int(row["first_day"])
        if ((month, day) != (1, 1)) == spans:
            first = date(year, month, day)
            last = date(year + 1, month, day) - timedelta(days=1)
            found.append(TaxYear(row["regime"], first, last, row["form"]))
    return tuple(found)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
