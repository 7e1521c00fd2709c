"""Alerts: when an episode opens and closes, and what its mail says."""

import uuid
from datetime import date
from decimal import Decimal

from folio.delivery.mail.alerts import RULE, Measured, judge, write
from folio.delivery.mail.published import OpenAlert, Portfolio, Recipient

PORTFOLIO, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
EPISODE = uuid.UUID(int=9)
NIGHT, DAY = "2013-02-28T0300Z", date(2013, 2, 27)
LIMIT = Decimal("0.02")


def judged(observed, open_before=None, limit=LIMIT):
    return judge([Measured(PORTFOLIO, observed, limit)], open_before or {}, NIGHT, DAY)


def test_a_figure_above_its_limit_opens_one_episode():
    (episode,) = judged(Decimal("0.0200001")).opened
    assert (episode.portfolio_id, episode.rule, episode.opened_night) == (PORTFOLIO, RULE, NIGHT)
    assert episode.alert_id == judged(Decimal("0.03")).opened[0].alert_id


def test_a_figure_at_its_limit_holds():
    verdict = judged(LIMIT)
    assert verdict.opened == verdict.closed == ()


def test_an_open_episode_stays_open_while_the_rule_is_broken():
    verdict = judged(Decimal("0.03"), {PORTFOLIO: EPISODE})
    assert verdict.opened == verdict.closed == ()


def test_an_open_episode_closes_when_the_rule_holds_again():
    assert judged(Decimal("0.01"), {PORTFOLIO: EPISODE}).closed == (EPISODE,)


def test_an_unknown_figure_neither_opens_nor_closes():
    for open_before in ({}, {PORTFOLIO: EPISODE}):
        verdict = judged(None, open_before)
        assert verdict.opened == verdict.closed == ()


def test_a_portfolio_without_limit_has_no_episode():
    assert judged(Decimal("0.5"), limit=None).opened == ()
    assert judged(Decimal("0.5"), {PORTFOLIO: EPISODE}, limit=None).closed == (EPISODE,)


def test_the_mail_says_what_how_much_and_as_of_when():
    alert = OpenAlert(EPISODE, PORTFOLIO, RULE, NIGHT, DAY, Decimal("0.0231"), LIMIT)
    portfolio = Portfolio(PORTFOLIO, "P-1", "Growth <b>& co</b>", "EUR", OTHER)
    mail = write(
        alert,
        portfolio,
        Decimal(100000),
        Recipient(OTHER, "Ada", "ada@example.com"),
        NIGHT,
        "http://127.0.0.1:8000/",
    )
    words = mail.plain.replace("\N{NO-BREAK SPACE}", " ")
    for part in ("2.31 %", "2.00 %", "0.31 points", "27 Feb 2013", "EUR 2,310.00", "one day in twenty"):
        assert part in words
    assert f"http://127.0.0.1:8000/api/v1/portfolios/{PORTFOLIO}/risk" in mail.html
    assert "Growth &lt;b&gt;&amp; co" in mail.html
    assert "<b>" not in mail.html


def test_the_mail_of_a_day_without_value_names_no_amount():
    alert = OpenAlert(EPISODE, PORTFOLIO, RULE, NIGHT, DAY, Decimal("0.0231"), LIMIT)
    portfolio = Portfolio(PORTFOLIO, "P-1", "Growth", "EUR", OTHER)
    mail = write(
        alert, portfolio, None, Recipient(OTHER, "Ada", "ada@example.com"), NIGHT, "http://127.0.0.1:8000"
    )
    assert "EUR" not in mail.plain
    assert "None" not in mail.plain + mail.html
