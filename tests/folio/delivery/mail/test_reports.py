"""Monthly reports: which month is due, what the figures are, and what stands where there are none."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from folio.delivery.mail import reports
from folio.delivery.mail.published import DayOfValue, Holding, Portfolio, Publication, Recipient
from folio.delivery.mail.wording import Missing

MONTH_END = date(2013, 2, 28)
JANUARY = date(2013, 1, 31)
INVESTOR = uuid.UUID(int=7)
PORTFOLIO = Portfolio(uuid.UUID(int=1), "P-1", "Family savings <i>", "INR", INVESTOR)
PUBLICATION = Publication(
    uuid.UUID(int=5), "2013-03-01T0300Z", MONTH_END, datetime(2013, 3, 1, 3, 0, tzinfo=UTC)
)
ADA = Recipient(INVESTOR, "Ada & Bert", "ada@example.com")


def history(first: date = date(2012, 12, 31), last: date = MONTH_END) -> list[DayOfValue]:
    """Days that each gain 1 per mille, and 1,000 paid in at the end of 10 February."""
    rows, value = [], Decimal(1_000_000)
    rows.append(DayOfValue(first, value, Decimal(0), *(Decimal(0),) * 5, None))
    day = first + timedelta(days=1)
    while day <= last:
        flow = Decimal(1000) if day == date(2013, 2, 10) else Decimal(0)
        gain = (value / 1000).quantize(Decimal("0.00000001"))
        rows.append(
            DayOfValue(
                day,
                value + gain + flow,
                flow,
                gain + 7,
                Decimal(3),
                Decimal(4),
                Decimal(5),
                Decimal(-1),
                gain / value,
            )
        )
        value, day = value + gain + flow, day + timedelta(days=1)
    return rows


def published(**changes) -> reports.Published:
    days = history()
    whole = reports.Published(
        publication=PUBLICATION,
        portfolio=PORTFOLIO,
        first_day=days[0].valuation_date,
        days=days,
        holdings=[
            Holding(
                "Flexi Cap Fund, direct plan, growth option",
                "fund",
                Decimal(700000),
                Decimal("0.65"),
                MONTH_END,
            ),
            Holding("Steel works", "equity", Decimal(300000), Decimal("0.25"), date(2013, 2, 26)),
            Holding("Cash in rupees", "cash", Decimal(62000), Decimal("0.10"), MONTH_END),
        ],
        allocation=[("equity", Decimal("0.9")), ("cash", Decimal("0.1"))],
    )
    return replace(whole, **changes)


@pytest.mark.parametrize(
    ("valuation_date", "first_published", "due"),
    [
        (date(2013, 2, 26), date(2013, 2, 26), None),  # January was over before the first publication
        (date(2013, 2, 28), date(2013, 2, 26), MONTH_END),
        (date(2013, 3, 1), date(2013, 2, 26), MONTH_END),
        (date(2013, 3, 15), date(2013, 2, 26), MONTH_END),
        (date(2013, 2, 28), date(2013, 2, 28), MONTH_END),
        (date(2013, 3, 1), date(2013, 3, 1), None),
        (date(2012, 12, 31), date(2012, 1, 1), date(2012, 12, 31)),
        (date(2013, 2, 28), None, None),
    ],
)
def test_a_month_is_due_from_its_last_day_on(valuation_date, first_published, due):
    assert reports.due_month(valuation_date, first_published) == due


def test_the_parts_of_the_change_add_up_exactly():
    split = reports.split(history(), date(2012, 12, 31), JANUARY, MONTH_END)
    assert isinstance(split, reports.Split)
    assert split.initial + sum(amount for _, amount in split.parts) == split.final
    assert dict(split.parts)["Paid in and out"] == 1000
    assert dict(split.parts)["Fees"] == -28 * 4


def test_a_portfolio_that_began_within_the_month_had_nothing_before():
    first = date(2013, 2, 4)
    days = [
        DayOfValue(first, Decimal(100), Decimal(100), *(Decimal(0),) * 5, None),
        DayOfValue(MONTH_END, Decimal(110), Decimal(0), Decimal(10), *(Decimal(0),) * 4, Decimal("0.1")),
    ]
    split = reports.split(days, first, JANUARY, MONTH_END)
    assert isinstance(split, reports.Split)
    assert (split.initial, split.final) == (0, 110)


def test_parts_that_do_not_add_up_are_not_shown():
    days = history()
    days[-1] = replace(days[-1], gains=days[-1].gains + 1)
    assert reports.split(days, days[0].valuation_date, JANUARY, MONTH_END) == Missing(
        "the published parts do not add up to the change"
    )


def test_a_close_without_value_gives_no_figure_and_says_why():
    days = history()
    days[-1] = replace(days[-1], value=None)
    report = reports.compose(published(days=days), MONTH_END)
    for figure in (report.value, report.split, report.return_of_month, report.return_of_year):
        assert isinstance(figure, Missing)
        assert "price" in figure.reason


def test_daily_returns_are_chained():
    result = reports.chained_return(history(), date(2012, 12, 31), JANUARY, MONTH_END)
    assert float(result) == pytest.approx(1.001**28 - 1, rel=1e-6)


def test_a_day_without_value_is_spanned():
    days = history()
    gap = len(days) - 10
    days[gap] = replace(days[gap], value=None, daily_return=None)
    result = reports.chained_return(days, date(2012, 12, 31), JANUARY, MONTH_END)
    assert float(result) == pytest.approx(1.001**27 - 1, rel=1e-6)


def test_a_return_that_restarts_or_is_older_than_the_history_is_missing():
    days = history()
    days[-5] = replace(days[-5], daily_return=None)
    restarted = reports.chained_return(days, date(2012, 12, 31), JANUARY, MONTH_END)
    assert isinstance(restarted, Missing)
    assert "begins anew" in restarted.reason
    short = reports.chained_return(
        history(date(2013, 1, 10)), date(2013, 1, 10), date(2012, 12, 31), MONTH_END
    )
    assert isinstance(short, Missing)
    assert "shorter than the period" in short.reason


@pytest.mark.parametrize(
    ("holdings", "sentence"),
    [
        ([("fund", 1, 28)], "All prices are of 28 Feb 2013."),
        ([("cash", 1, 1)], "No prices were needed."),
        (
            [("fund", 1, 28), ("fund", 1, 26), ("equity", 1, 27), ("equity", None, None)],
            "1 of 4 prices are of 28 Feb 2013; 2 were carried from earlier days, the oldest "
            "from 26 Feb 2013; 1 is missing.",
        ),
    ],
)
def test_one_line_says_how_old_the_prices_are(holdings, sentence):
    rows = [
        Holding("x", kind, value and Decimal(value), None, priced and date(2013, 2, priced))
        for kind, value, priced in holdings
    ]
    assert reports.prices_line(rows, MONTH_END).replace("\N{NO-BREAK SPACE}", " ") == sentence


def test_the_mail_holds_the_figures_in_html_and_in_plain_text():
    report = reports.compose(published(), MONTH_END)
    mail = reports.write(report, ADA, "2013-03-01T0300Z", "http://127.0.0.1:8000")
    html, plain = (text.replace("\N{NO-BREAK SPACE}", " ") for text in (mail.html, mail.plain))
    for part in (
        "INR 10,61,",
        "February 2013",
        "price of 26 Feb 2013",
        str(PUBLICATION.publication_id),
        "65.0 %",
    ):
        assert part in html
        assert part in plain
    assert "1 of 2 prices are of 28 Feb 2013; 1 was carried" in plain
    assert html.count('src="data:image/png;base64,') == 2
    assert len(re.findall(r'<img [^>]*alt="[^"]{20,}"', html)) == 2
    assert "Family savings &lt;i&gt;" in html
    assert "Ada &amp; Bert" in html
    assert "Ada & Bert" in plain
    assert "None" not in html.split("base64")[0] + plain


def test_a_report_without_figures_still_renders_and_shows_none():
    days = [replace(row, value=None, daily_return=None) for row in history()]
    bare = published(days=days, holdings=[Holding("X", "fund", None, None, None)], allocation=[])
    mail = reports.write(reports.compose(bare, MONTH_END), ADA, "2013-03-01T0300Z", "http://127.0.0.1:8000")
    assert mail.plain.count("not available: ") >= 5
    assert "INR" not in mail.plain
    assert "<img" not in mail.html


def test_nobody_is_sent_the_report_of_another():
    stranger = Recipient(uuid.UUID(int=8), "Eve", "eve@example.com")
    with pytest.raises(ValueError, match="not of investor"):
        reports.write(
            reports.compose(published(), MONTH_END), stranger, "2013-03-01T0300Z", "http://127.0.0.1"
        )


def test_only_the_largest_holdings_are_listed_and_the_rest_are_counted():
    many = [Holding(f"Fund {n}", "fund", Decimal(100 - n), Decimal("0.05"), MONTH_END) for n in range(20)]
    report = reports.compose(published(holdings=many), MONTH_END)
    assert (len(report.holdings), report.further_holdings) == (
        reports.MOST_HOLDINGS,
        20 - reports.MOST_HOLDINGS,
    )
    assert "and 12 more" in reports.write(report, ADA, "2013-03-01T0300Z", "http://127.0.0.1").plain


def test_the_same_rows_give_the_same_mail():
    first, second = (
        reports.write(reports.compose(published(), MONTH_END), ADA, "2013-03-01T0300Z", "http://127.0.0.1")
        for _ in range(2)
    )
    assert first == second
    assert "ada@example.com" not in repr(first)
