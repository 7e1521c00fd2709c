"""Tax forms: columns and amounts of a line, and the days of a tax year."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from folio.errors import FolioError
from folio.jobs.tax_rules import tax_years
from folio.jobs.tax_year import Gain, form_8949, schedule_112a

D = Decimal


def gain(**facts):
    proceeds, cost = D(facts.pop("proceeds", 180)), D(facts.pop("cost", 100))
    added, denied = D(facts.pop("added", 0)), D(facts.pop("denied", 0))
    known = {
        "closing_transaction_id": UUID(int=1),
        "lot_id": UUID(int=2),
        "account_code": "A1",
        "instrument_name": "Growth fund",
        "isin": "INF000000001",
        "asset_class": "equity",
        "acquisition_date": date(2017, 5, 1),
        "sale_date": date(2024, 8, 1),
        "units": D("10.000"),
        "proceeds_account": proceeds,
        "tax_cost_account": cost,
        "cost_added_account": added,
        "disallowed_account": denied,
        "gain_account": proceeds - cost,
        "taxable_gain_account": proceeds - cost - added + denied,
        "account_currency": "INR",
        "term": "long",
        "old_price": D(15),
    }
    return Gain(**(known | facts))


def test_schedule_112a_gives_old_units_their_value_of_january_2018():
    line = schedule_112a(gain())
    assert line["Share/Unit Acquired"] == "BE"
    assert line["Share/Unit Transferred"] == "AE"
    assert line["Total Fair Market Value"] == 150
    assert line["Cost of acquisition without indexation"] == 150
    assert (line["Balance"], line["Section"], line["Gain"]) == (30, "112A", "80")


def test_schedule_112a_leaves_newer_and_short_and_other_units_their_cost():
    newer = schedule_112a(
        gain(acquisition_date=date(2018, 2, 1), sale_date=date(2024, 7, 22), old_price=None)
    )
    assert (newer["Share/Unit Acquired"], newer["Share/Unit Transferred"]) == ("AE", "BE")
    assert (newer["Balance"], newer["Section"]) == (80, "112A")
    short = schedule_112a(gain(acquisition_date=date(2024, 5, 1), term="short", old_price=None))
    assert (short["Balance"], short["Section"]) == (80, "other")
    debt = schedule_112a(gain(asset_class="debt"))
    assert (debt["Balance"], debt["Section"]) == (80, "other")


def test_form_8949_adjusts_a_denied_loss_and_an_added_cost():
    line = form_8949(gain(proceeds=60, cost=100, denied=15, added=5, term="short"))
    assert (line["Part"], line["(f) Code"], line["(g) Amount of adjustment"]) == ("I", "W", 15)
    assert (line["(e) Cost or other basis"], line["(h) Gain or (loss)"]) == (105, -30)
    assert line["(a) Description of property"] == "10 Growth fund"
    plain = form_8949(gain())
    assert (plain["Part"], plain["(f) Code"], plain["(h) Gain or (loss)"]) == ("II", "", 80)


def test_a_tax_year_is_named_by_the_years_it_touches():
    (india,) = tax_years("2024-25")
    assert (india.regime, india.first_day, india.last_day) == ("india", date(2024, 4, 1), date(2025, 3, 31))
    (us,) = tax_years("2024")
    assert (us.regime, us.first_day, us.last_day) == ("us", date(2024, 1, 1), date(2024, 12, 31))
    assert tax_years("1999-00")[0].last_day == date(2000, 3, 31)
    for wrong in ("24", "2024-26", "2024/25", "next"):
        with pytest.raises(FolioError, match="neither like"):
            tax_years(wrong)
