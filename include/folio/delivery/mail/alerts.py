"""The rule of Value at Risk: when an episode opens and closes, and the mail that tells of it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from folio.delivery.mail import templating, wording
from folio.delivery.mail.outbox import NAMESPACE, Mail, alert_mail_id
from folio.delivery.mail.published import OpenAlert, Portfolio, Recipient

RULE = "var_above_limit"


@dataclass(frozen=True)
class Measured:
    """A portfolio's figure of a night against its limit, as fractions of value.

    `observed` is None where the figure is null or incomplete, `threshold` where the portfolio has no limit.
    """

    portfolio_id: uuid.UUID
    observed: Decimal | None
    threshold: Decimal | None


@dataclass(frozen=True)
class Episode:
    """An episode that a night opens."""

    alert_id: uuid.UUID
    portfolio_id: uuid.UUID
    rule: str
    opened_night: str
    valuation_date: date
    observed: Decimal
    threshold: Decimal


@dataclass(frozen=True)
class Verdict:
    """What a night changes: episodes that open, and the ids of open ones that close."""

    opened: tuple[Episode, ...]
    closed: tuple[uuid.UUID, ...]


def judge(
    measured: Iterable[Measured], open_before: Mapping[uuid.UUID, uuid.UUID], night: str, valuation_date: date
) -> Verdict:
    """Episodes that a night opens and closes.

    Parameters
    ----------
    measured : one figure a portfolio; a portfolio that is not among them keeps its episode.
    open_before : id of the open episode by portfolio, as the nights before left them.

    Notes
    -----
    An unknown figure neither opens nor closes anything. A figure at its limit holds; without a limit the rule
    holds.
    """
    opened: list[Episode] = []
    closed: list[uuid.UUID] = []
    for figure in measured:
        episode = open_before.get(figure.portfolio_id)
        if figure.threshold is None:
            if episode:
                closed.append(episode)
        elif figure.observed is None:
            continue
        elif figure.observed > figure.threshold:
            if episode is None:
                opened.append(
                    Episode(
                        alert_id=uuid.uuid5(NAMESPACE, f"{figure.portfolio_id}|{RULE}|{night}"),
                        portfolio_id=figure.portfolio_id,
                        rule=RULE,
                        opened_night=night,
                        valuation_date=valuation_date,
                        observed=figure.observed,
                        threshold=figure.threshold,
                    )
                )
        elif episode:
            closed.append(episode)
    return Verdict(tuple(opened), tuple(closed))


def write(
    alert: OpenAlert,
    portfolio: Portfolio,
    value: Decimal | None,
    recipient: Recipient,
    night: str,
    api_url: str,
) -> Mail:
    """The mail that tells of an episode; `value` is the portfolio's on the alert's valuation date."""
    at_risk = ""
    if value is not None:
        at_risk = f", about {wording.money(value * alert.observed, portfolio.portfolio_currency)}"
    html, plain = templating.render(
        "alert",
        alert=alert,
        portfolio=portfolio,
        addressee=recipient.name,
        excess=f"{(alert.observed - alert.threshold) * 100:.2f}",
        meaning=(
            f"on one day in twenty, what you hold today would have lost {wording.percent(alert.observed)} "
            f"of its value or more{at_risk}; agreed for this portfolio: {wording.percent(alert.threshold)}."
        ),
        link=f"{api_url.rstrip('/')}/api/v1/portfolios/{portfolio.portfolio_id}/risk",
    )
    return Mail(
        mail_id=alert_mail_id(alert.alert_id, recipient.investor_id),
        kind="alert",
        subject_id=alert.alert_id,
        investor_id=recipient.investor_id,
        recipient=recipient.email,
        subject=wording.one_line(f"{portfolio.portfolio_name}: risk above its limit"),
        html=html,
        plain=plain,
        created_night=night,
    )
