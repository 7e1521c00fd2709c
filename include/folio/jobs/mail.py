"""Mails of a night, about published figures only: written to the outbox once, then sent."""

import logging
from collections.abc import Iterable
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
    this = Night.parse(night)
    mails: list[Mail] = []
    without_address = 0
    with warehouse.connect() as connection:
        publication = _last_publication(connection)
        if publication:
            owners = {portfolio.portfolio_id: portfolio for portfolio in published.portfolios(connection)}
            people = published.recipients(connection, publication.known_at)
            episodes = [alert for alert in published.open_alerts(connection) if alert.portfolio_id in owners]
            ids = {
                alert.alert_id: outbox.alert_mail_id(alert.alert_id, owners[alert.portfolio_id].investor_id)
                for alert in episodes
            }
            absent = outbox.absent(connection, list(ids.values()))
            for alert in episodes:
                if ids[alert.alert_id] not in absent:
                    continue
                portfolio = owners[alert.portfolio_id]
                recipient = people.get(portfolio.investor_id)
                if recipient is None:
                    without_address += 1
                    continue
                value = published.value_on(connection, portfolio.portfolio_id, alert.valuation_date)
                mails.append(alerts.write(alert, portfolio, value, recipient, this.id, settings().api_url))
    return _put_and_send("alert", mails, without_address)


def send_monthly_reports(night: str) -> Mailed:
    """Send the reports of the month that is due (`reports.due_month`), once a portfolio, and what waits.

    Raises
    ------
    DeliveryError
        The SMTP server does not serve; the mails wait and go out when the job runs again.
    """
    this = Night.parse(night)
    mails: list[Mail] = []
    without_address = 0
    with warehouse.connect() as connection:
        publication = _last_publication(connection)
        month_end = publication and reports.due_month(
            publication.valuation_date, published.first_valuation_date(connection)
        )
        if publication and month_end:
            people = published.recipients(connection, publication.known_at)
            portfolios = published.portfolios(connection)
            absent = outbox.absent(
                connection,
                [outbox.report_mail_id(portfolio.portfolio_id, month_end) for portfolio in portfolios],
            )
            for portfolio in portfolios:
                if outbox.report_mail_id(portfolio.portfolio_id, month_end) not in absent:
                    continue
                recipient = people.get(portfolio.investor_id)
                if recipient is None:
                    without_address += 1
                    continue
                rows = _read(connection, publication, portfolio, month_end)
                if rows.first_day is None or rows.first_day > month_end:
                    continue  # it has no history in that month
                report = reports.compose(rows, month_end)
                mails.append(reports.write(report, recipient, this.id, settings().api_url))
    return _put_and_send("report", mails, without_address)


def _last_publication(connection: Connection) -> published.Publication | None:
    """The publication that this transaction sees throughout."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return published.latest(connection)


def _read(
    connection: Connection,
    publication: published.Publication,
    portfolio: published.Portfolio,
    month_end: date,
) -> reports.Published:
    year_before = date(month_end.year - 1, 1, 1)
    return reports.Published(
        publication=publication,
        portfolio=portfolio,
        first_day=published.first_day_of_value(connection, portfolio.portfolio_id),
        days=published.days_of_value(connection, portfolio.portfolio_id, year_before, month_end),
        holdings=published.holdings(connection, portfolio.portfolio_id, month_end),
        allocation=published.allocation(connection, portfolio.portfolio_id, month_end),
    )


def _put_and_send(kind: str, mails: Iterable[Mail], without_address: int) -> Mailed:
    with warehouse.connect() as connection:
        written = sum(outbox.put(connection, mail) for mail in mails)
        connection.commit()
        connection.autocommit = True
        delivery = sender.send_waiting(connection, kind, settings())
    if without_address:
        log.warning("%s mails: %s have no address in the books", kind, without_address)
    return Mailed(written, delivery.sent, delivery.still_waiting, delivery.failed, without_address)
