"""Terms of gains by regime, and wash sales across the accounts of a tax unit."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from folio.errors import LotError
from folio.figures.lots.events import LotEvent
from folio.figures.lots.matching import match_ledger
from folio.figures.lots.terms import included_duty, months_later, term_rule
from folio.jobs.lot_taxes import Holder, rules_of, tax
from folio.jobs.tax_rules import grandfathering_rules, term_rules

D = Decimal
BROKER, IRA, SPOUSE = (UUID(int=number) for number in (1, 2, 3))
SHARE = UUID(int=9)
UNIT, OTHER_UNIT = UUID(int=20), UUID(int=21)


def holder(regime="us", unit=UNIT, asset_class="equity", kind="share"):
    return Holder(regime, unit, "USD", asset_class, kind)


def bought(name, day, units, cost):
    return LotEvent(name, date.fromisoformat(day), "open", D(units), D(cost), D(cost))


def sold(name, day, units, proceeds):
    return LotEvent(name, date.fromisoformat(day), "close", D(units), proceeds=D(proceeds))


def taxes(events, holders):
    return tax(match_ledger(events), holders, events)


@pytest.mark.parametrize(
    ("regime", "asset_class", "acquired", "sale", "term"),
    [
        ("us", "equity", "2020-01-15", "2021-01-15", "short"),
        ("us", "equity", "2020-01-15", "2021-01-16", "long"),
        ("india", "equity", "2023-02-28", "2024-02-28", "short"),
        ("india", "equity", "2023-02-28", "2024-02-29", "long"),
        ("india", "debt", "2020-05-01", "2023-05-01", "short"),
        ("india", "debt", "2020-05-01", "2023-05-02", "long"),
        ("india", "debt", "2022-07-01", "2024-07-23", "long"),
        ("india", "debt", "2023-04-01", "2030-01-01", "short"),
    ],
)
def test_terms_hang_on_regime_class_and_both_dates(regime, asset_class, acquired, sale, term):
    key = (BROKER, SHARE)
    events = {key: [bought("a", acquired, 1, 10), sold("s", sale, 1, 20)]}
    (taxed,) = taxes(events, {key: holder(regime, asset_class=asset_class)}).matches[key]
    assert taxed.term == term


def test_a_regime_without_rules_has_no_term():
    key = (BROKER, SHARE)
    events = {key: [bought("a", "2020-01-01", 1, 10), sold("s", "2020-02-01", 1, 20)]}
    assert taxes(events, {key: holder("none")}).matches[key][0].term is None


def test_every_purchase_and_sale_has_one_rule_of_each_regime():
    days = [date(year, month, 23) for year in range(2015, 2028) for month in (1, 4, 7)]
    for rule in term_rules():
        for acquired in days:
            for sale in days:
                if acquired <= sale:
                    assert term_rule(term_rules(), rule.regime, rule.asset_class, acquired, sale)
    with pytest.raises(LotError, match="0 rules"):
        term_rule(term_rules(), "nowhere", "equity", days[0], days[0])


def test_units_of_before_2018_may_cost_what_they_were_worth():
    (rule,) = grandfathering_rules()
    old, sale = date(2017, 5, 1), date(2019, 5, 1)
    assert rule.cost(old, sale, D(100), D(150), D(180)) == 150
    assert rule.cost(old, sale, D(100), D(150), D(120)) == 120
    assert rule.cost(old, sale, D(100), D(150), D(90)) == 100
    assert rule.cost(date(2018, 2, 1), sale, D(100), D(150), D(180)) == 100
    assert rule.cost(old, date(2018, 3, 31), D(100), D(150), D(180)) == 100
    assert (rule.acquired_code(date(2018, 1, 31)), rule.acquired_code(date(2018, 2, 1))) == ("BE", "AE")


def test_stamp_duty_lies_inside_the_amount_paid():
    assert included_duty(D(100005), D("0.00005"), D("0.01")) == D("5.00")


def test_months_end_where_the_month_ends():
    assert months_later(date(2020, 2, 29), 12) == date(2021, 2, 28)
    assert months_later(date(2020, 11, 30), 3) == date(2021, 2, 28)


def test_a_loss_is_denied_where_the_tax_unit_bought_again_in_another_account():
    events = {
        (BROKER, SHARE): [bought("a", "2020-01-01", 10, 1000), sold("s", "2020-06-01", 10, 600)],
        (SPOUSE, SHARE): [bought("b", "2020-06-15", 4, 200)],
    }
    found = taxes(events, {key: holder() for key in events})
    assert found.matches[BROKER, SHARE][0].disallowed == 160
    assert found.cost_added == {((SPOUSE, SHARE), "b"): 160}
    apart = taxes(events, {(BROKER, SHARE): holder(), (SPOUSE, SHARE): holder(unit=OTHER_UNIT)})
    assert apart.matches[BROKER, SHARE][0].disallowed == 0


def test_a_purchase_in_a_retirement_account_loses_the_cost():
    events = {
        (BROKER, SHARE): [bought("a", "2020-01-01", 10, 1000), sold("s", "2020-06-01", 10, 600)],
        (IRA, SHARE): [bought("b", "2020-06-15", 10, 500)],
    }
    found = taxes(events, {(BROKER, SHARE): holder(), (IRA, SHARE): holder("us_retirement")})
    assert found.matches[BROKER, SHARE][0].disallowed == 400
    assert found.cost_added == {}


def test_the_holding_period_of_the_loss_makes_a_later_gain_long():
    events = {
        (BROKER, SHARE): [
            bought("a", "2020-01-01", 1, 100),
            sold("s", "2020-06-01", 1, 60),
            bought("b", "2020-06-15", 1, 70),
            sold("t", "2021-03-01", 1, 150),
        ]
    }
    one, two = taxes(events, {(BROKER, SHARE): holder()}).matches[BROKER, SHARE]
    assert (one.term, one.disallowed, one.cost_added) == ("short", 40, 0)
    assert (two.term, two.disallowed, two.cost_added) == ("long", 0, 40)


def test_a_split_between_a_loss_and_its_replacement_is_seen_through():
    events = {
        (BROKER, SHARE): [
            bought("a", "2020-01-01", 2, 100),
            sold("s", "2020-06-01", 2, 60),
            bought("b", "2020-06-10", 1, 30),
            LotEvent("x", date(2020, 6, 20), "split", ratio=D(2)),
        ]
    }
    found = taxes(events, {(BROKER, SHARE): holder()})
    assert found.matches[BROKER, SHARE][0].disallowed == 20


@pytest.mark.parametrize(("regime", "kind"), [("india", "share"), ("us", "crypto")])
def test_other_regimes_and_crypto_know_no_wash_sales(regime, kind):
    events = {
        (BROKER, SHARE): [
            bought("a", "2020-01-01", 1, 100),
            sold("s", "2020-06-01", 1, 60),
            bought("b", "2020-06-15", 1, 70),
        ]
    }
    found = taxes(events, {(BROKER, SHARE): holder(regime, kind=kind)})
    assert found.matches[BROKER, SHARE][0].disallowed == 0


def test_tax_minimising_takes_the_rates_of_the_regime():
    events = [
        bought("long", "2020-01-01", 1, 10),
        bought("short", "2021-06-01", 1, 40),
        sold("s", "2021-07-01", 1, 100),
    ]
    key = (BROKER, SHARE)
    rules = {key: rules_of(holder(), "tax_minimising")}
    history = match_ledger({key: events}, {key: "tax_minimising"}, rules=rules).histories[key]
    assert history.matches[0].lot_id == "long"  # 90 at 20 % is less than 60 at 37 %
