"""Every list of transaction kinds in Python says what the seed `transaction_kinds` says."""

import csv

import pytest

from folio.books.importers.events import DIRECTION
from folio.figures import ledger
from folio.jobs import lots
from folio.settings import ROOT


@pytest.fixture(scope="module")
def seed() -> dict[str, dict[str, str]]:
    with (ROOT / "dbt_project" / "seeds" / "transaction_kinds.csv").open(newline="") as lines:
        return {row["kind"]: row for row in csv.DictReader(lines)}


def test_effects_on_units_cash_income_fees_and_taxes(seed):
    assert {
        kind: (str(e.units_sign), str(e.cash_sign), e.is_income, e.is_fee, e.is_tax)
        for kind, e in ledger.EFFECTS.items()
    } == {
        kind: (
            row["units_sign"],
            row["cash_sign"],
            *(row[flag] == "true" for flag in ("is_income", "is_fee", "is_tax")),
        )
        for kind, row in seed.items()
    }


def test_directions_of_imported_units(seed):
    assert {kind: str(sign) for kind, sign in DIRECTION.items()} == {
        kind: row["units_sign"] for kind, row in seed.items() if row["units_sign"] != "0"
    }


def test_effects_on_lots(seed):
    effects = {
        "opening": ("open", "transfer_in"),
        "closing": ("close", "transfer_out"),
        "split": ("split",),
        "lowering": ("return_of_capital",),
    }
    affecting = {kind: row["ledger_effect"] for kind, row in seed.items() if row["ledger_effect"] != "none"}
    assert lots.EFFECTS.keys() - affecting.keys() == {"carve_out"}  # the other side of a spin-off
    for kind, ledger_effect in affecting.items():
        assert lots.EFFECTS[kind] in effects[ledger_effect], kind
