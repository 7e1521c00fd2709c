"""Checks of a draft: what each refuses, and that the fixed sentences pass them all."""

import json
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.decisions.advice.checks import check
from folio.decisions.advice.draft import render
from folio.decisions.advice.facts import Source, name
from folio.decisions.advice.menu import Figures, Holding, Plan, facts, menu
from folio.decisions.advice.writers import deterministic
from folio.errors import AdviceError

D = Decimal
FIGURES = Figures(
    account_id=UUID(int=1),
    portfolio_id=UUID(int=2),
    valuation_date="2013-02-28",
    account_currency="USD",
    portfolio_currency="EUR",
    drift_band=D("0.05"),
    value_account=D("12345.678"),
    value_portfolio=D(20_000),
    is_complete=True,
    returns={"YTD": D("-0.0312"), "1Y": D("0.084")},
    var=D("0.021"),
    holdings=(
        Holding(UUID(int=5), "Acme 500 Fund", False, D(9_000), D("0.6"), D("0.3")),
        Holding(UUID(int=6), "Cash", True, D(3_000), D("0.2"), None),
    ),
    plan=Plan(UUID(int=9), "planned", 2, D("0.3"), D("0.05"), D("14.2"), "EUR"),
)
PACK, MENU = facts(FIGURES), menu(FIGURES)


def answer(body="A plain sentence.", headline="A headline"):
    items = [{"menu_id": a.menu_id, "headline": headline, "body": "Plain."} for a in MENU.actions]
    items[0]["body"] = body
    return json.dumps({"recommendations": items})


def findings(body, headline="A headline"):
    return check(answer(body, headline), PACK, MENU).findings


def test_the_menu_holds_what_is_feasible_best_first():
    assert [a.menu_id for a in MENU.actions] == ["concentration_cut", "rebalance", "cash_drag", "hold"]
    known = PACK.by_id.keys()
    assert all(set(a.fact_ids) <= known for a in MENU.actions)


@given(
    value=st.none() | st.decimals(-1000, 10**9, places=4),
    complete=st.booleans(),
    weight=st.none() | st.decimals(D("-0.1"), D(1), places=3),
    cash=st.none() | st.decimals(D("-0.1"), D(1), places=3),
    orders=st.integers(0, 40),
    ytd=st.decimals(D("-0.99"), D(9), places=4),
    label=st.text(max_size=200),
)
def test_fixed_sentences_pass_every_check(value, complete, weight, cash, orders, ytd, label):
    figures = Figures(
        account_id=UUID(int=1),
        portfolio_id=UUID(int=2),
        valuation_date="2013-02-28",
        account_currency="USD",
        portfolio_currency="EUR",
        drift_band=D("0.05"),
        value_account=value,
        value_portfolio=value,
        is_complete=complete,
        returns={"YTD": ytd},
        holdings=(
            Holding(UUID(int=5), label, False, value, weight, None),
            Holding(UUID(int=6), "Cash", True, value, cash, None),
        ),
        plan=Plan(UUID(int=9), "planned", orders, D("0.3"), D("0.05"), D("14.2"), "EUR"),
    )
    pack, actions = facts(figures), menu(figures)
    verdict = check(deterministic.write(actions).model_dump_json(), pack, actions)
    assert verdict.findings == ()
    for item in verdict.draft.recommendations:
        assert "{" not in render(item.body, pack)
    if not complete:
        assert [a.kind for a in actions.actions] == ["hold"]


def test_placeholders_become_display_forms():
    shown = render("Worth {account_value}, {return_this_year} so far, {order_count} orders.", PACK)
    assert shown == "Worth USD 12,345.68, -3.1 % so far, 2 orders."


@pytest.mark.parametrize(
    "text",
    [
        "This year the portfolio fell {return_this_year}.",
        "It lost {return_this_year}, but over the last year it gained {return_last_year}.",
        "The distance fell from {drift_before} to {drift_after}.",
        "A bad day could lose {value_at_risk}.",
        "Sell part of {largest_name} and bring the mix back to target.",
        "The distance ({drift_before}) is above the band; the account isn\u2019t on target.",
    ],
)
def test_honest_text_passes(text):
    assert findings(text) == ()


@pytest.mark.parametrize(
    ("text", "name_of_check"),
    [
        ("It is worth 12,345 now.", "numbers"),
        ("A weight of ½ is much.", "numbers"),
        ("Value: ١٢.", "numbers"),
        ("About twenty percent is cash.", "numbers"),
        ("Twenty-five is enough.", "numbers"),
        ("Nearly half is cash.", "numbers"),
        ("It doubled.", "numbers"),
        ("A tenfold gain.", "numbers"),
        ("Chapter XIV says so.", "numbers"),
        ("It is worth {account_value}0 now.", "numbers"),
        ("It is worth -{account_value}.", "numbers"),
        ("It is worth minus {account_value}.", "numbers"),
        ("It is worth {account_value}{order_count}.", "numbers"),
        ("It is worth {account_value} k.", "numbers"),
        ("It is worth {account_value} million.", "numbers"),
        ("Cash is {cash_weight}%.", "numbers"),
        ("Cash is {cash_weight} per cent.", "numbers"),
        ("Worth {secret_value}.", "facts"),
        ("Worth {account_value.}.", "facts"),
        ("Worth {account_value!r}.", "facts"),
        ("Worth {{account_value}}.", "facts"),
        ("Portfolio rose {return_this_year}.", "direction"),
        ("Portfolio fell {return_last_year}.", "direction"),
        ("Portfolio did not rise {return_last_year}.", "direction"),
        ("Portfolio rose and that was good.", "direction"),
        ("Drift increased from {drift_before} to {drift_after}.", "direction"),
        ("It rose then fell {return_this_year}.", "direction"),
        ("Returns are guaranteed.", "promises"),
        ("This is risk-free.", "promises"),
        ("The fund will surely outperform.", "promises"),
        ("It is expected to grow next year.", "promises"),
        ("You cannot lose here.", "promises"),
        ("The value will certainly recover.", "promises"),
        ("See <b>this</b>.", "characters"),
        ("See https://example.org now.", "characters"),
        ("Le portefeuille a gagné.", "characters"),
        ("tw\u200benty is hidden.", "characters"),
        ("五 is much.", "characters"),
        ("word " * 200, "length"),
        ("   ", "length"),
    ],
)
def test_text_that_overreaches_is_refused_by_name(text, name_of_check):
    assert name_of_check in {finding.partition(":")[0] for finding in findings(text)}


def test_a_headline_is_held_to_the_same_checks_and_to_a_shorter_length():
    assert any(f.startswith("length: headline") for f in findings("Plain.", "long headline " * 9))
    assert any(f.startswith("numbers") and "headline" in f for f in findings("Plain.", "Sell ten"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would hold.",
        "[]",
        "{}",
        '{"recommendations": [{"menu_id": "hold"}]}',
        '{"recommendations": [{"menu_id": "hold", "headline": "a", "body": 7}]}',
        '{"recommendations": [], "note": "more"}',
        '{"recommendations": [{"menu_id": "hold", "headline": "", "body": "b"}]}',
        '```json\n{"recommendations": []}\n```',
    ],
)
def test_another_form_is_refused(text):
    verdict = check(text, PACK, MENU)
    assert verdict.draft is None
    assert verdict.findings[0].startswith("schema")
    assert not verdict.passes


def test_the_menu_is_ranked_whole_once_and_without_inventions():
    items = json.loads(answer())["recommendations"]
    invented = json.dumps({"recommendations": [*items, items[0] | {"menu_id": "buy_bitcoin"}]})
    doubled = json.dumps({"recommendations": [*items, items[0]]})
    short = json.dumps({"recommendations": items[1:]})
    assert check(invented, PACK, MENU).findings == ("menu: 'buy_bitcoin' is not on the menu",)
    assert check(doubled, PACK, MENU).findings == ("menu: an action stands twice",)
    assert check(short, PACK, MENU).findings == ("menu: 'concentration_cut' is left out",)


def test_a_name_from_a_book_is_cleaned_and_cut():
    hostile = name("largest_name", "name", "Fund {a}\n<b>\u202e" + "x" * 200, Source("r", {}, "c"))
    assert len(hostile.display) <= 80
    assert not set(hostile.display) & set("{}<>\n\u202e")


def test_facts_need_ids_without_digits_and_of_their_own():
    fact = PACK.facts[0]
    with pytest.raises(AdviceError, match="share an id"):
        type(PACK)(PACK.account_id, PACK.portfolio_id, (fact, fact))
    with pytest.raises(AdviceError, match="no fact id"):
        type(PACK)(PACK.account_id, PACK.portfolio_id, (name("var_95", "v", "x", fact.source),))


def test_every_fact_names_the_cell_it_came_from():
    for fact in PACK.facts:
        stored = fact.as_json()["source"]
        assert stored["relation"].startswith(("fct_", "dim_", "policy"))
        assert stored["column"]


def test_a_holding_targeted_that_high_is_not_called_concentrated():
    wanted = replace(FIGURES, holdings=(replace(FIGURES.holdings[0], target_weight=D("0.58")),), plan=None)
    assert [a.menu_id for a in menu(wanted).actions] == ["hold"]
