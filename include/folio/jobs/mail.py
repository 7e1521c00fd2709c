"""Mails of a night, about published figures only: written to the outbox once, then sent."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import psycopg

from folio.delivery.mail import alerts, outbox, published, reports, sender
from folio.delivery.mail.outbox import Connection, Mail
from folio.jobs.nights import Night
from folio.settings import settings
from folio.store import warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mailed:
    """Mails of one kind in one run: newly written; sent, still waiting or failed; and who has no address."""

    written: int = 0
    sent: int = 0
    still_waiting: int = 0
    failed: int = 0
    without_address: int = 0


def send_alerts(night: str) -> Mailed:
    """Tell each investor of each open published alert episode, once an episode, and send what waits.

    Raises
    ------
    DeliveryError
        The SMTP server does not serve; the mails wait and go out when the job runs again.
    """
    return _put_and_send("alert", _alerts(Night.parse(night)))


def send_monthly_reports(night: str) -> Mailed:
    """Send the reports of the month that is due (`reports.due_month`), once a portfolio, and what waits.

    Raises
    ------
    DeliveryError
        The SMTP server does not serve; the mails wait and go out when the job runs again.
    """
    return _put_and_send("report", _reports(Night.parse(night)))


def _alerts(night: Night) -> Iterator[Mail | None]:
    """Mails on open episodes that the outbox lacks; None for one whose investor has no address."""
    with warehouse.connect() as connection:
        publication = _last_publication(connection)
        if publication is None:
            return
        owners = {portfolio.portfolio_id: portfolio for portfolio in published.portfolios(connection)}
        people = published.recipients(connection, publication.known_at)
        episodes = {
            outbox.alert_mail_id(alert.alert_id, owners[alert.portfolio_id].investor_id): alert
            for alert in published.open_alerts(connection)
            if alert.portfolio_id in owners
        }
        absent = outbox.absent(connection, list(episodes))
        for mail_id, alert in episodes.items():
            if mail_id not in absent:
                continue
            portfolio = owners[alert.portfolio_id]
            recipient = people.get(portfolio.investor_id)
            if recipient is None:
                yield None
                continue
            value = published.value_on(connection, portfolio.portfolio_id, alert.valuation_date)
            yield alerts.write(alert, portfolio, value, recipient, night.id, settings().api_url)


def _reports(night: Night) -> Iterator[Mail | None]:
    """Reports of the month due that the outbox lacks; None for one whose investor has no address."""
    with warehouse.connect() as connection:
        publication = _last_publication(connection)
        if publication is None:
            return
        month_end = reports.due_month(publication.valuation_date, published.first_valuation_date(connection))
        if month_end is None:
            return
        people = published.recipients(connection, publication.known_at)
        portfolios = {
            outbox.report_mail_id(portfolio.portfolio_id, month_end): portfolio
            for portfolio in published.portfolios(connection)
        }
        absent = outbox.absent(connection, list(portfolios))
        for mail_id, portfolio in portfolios.items():
            if mail_id not in absent:
                continue
            first_day = published.first_day_of_value(connection, portfolio.portfolio_id)
            if first_day is None or first_day > month_end:
                continue  # it has no history in that month
            recipient = people.get(portfolio.investor_id)
            if recipient is None:
                yield None
                continue
            year_before = date(month_end.year - 1, 1, 1)
            rows = reports.Published(
                publication=publication,
                portfolio=portfolio,
                first_day=first_day,
                days=published.days_of_value(connection, portfolio.portfolio_id, year_before, month_end),
                holdings=published.holdings(connection, portfolio.portfolio_id, month_end),
                allocation=published.allocation(connection, portfolio.portfolio_id, month_end),
            )
            yield reports.write(reports.compose(rows, month_end), recipient, night.id, settings().api_url)


def _last_publication(connection: Connection) -> published.Publication | None:
    """The publication that this transaction sees throughout."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return published.latest(connection)


def _put_and_send(kind: str, mails: Iterator[Mail | None]) -> Mailed:
    """Put mails into the outbox one by one as they are written, then send all that wait."""
    written = without_address = 0
    with warehouse.connect() as connection:
        connection.autocommit = True
        for mail in mails:
            if mail is None:
                without_address += 1
            else:
                written += outbox.put(connection, mail)
        if without_address:
            log.warning("%s mails: %s have no address in the books", kind, without_address)
        delivery = sender.send_waiting(connection, kind, settings())
    return Mailed(written, delivery.sent, delivery.still_waiting, delivery.failed, without_address)
