"""The outbox: one row a mail in delivery.outbox, keyed by what the mail is about, so that each goes out once.

A mail waits, is sent, or has failed for good. Before each try the attempt is counted and committed and an
advisory lock on the mail is held, so two senders never carry the same mail and one that kills its sender is
not tried forever. Only a crash between the server's acceptance and the row's `sent` leaves doubt: the mail
then goes out again with the same Message-ID, by which servers and mail programs know the second copy for the
first.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import class_row

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "mail.folio")
MOST_ATTEMPTS = 5

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Mail:
    """A mail as the outbox keeps it, pictures as data URIs in the HTML; `repr` shows no address or text."""

    mail_id: uuid.UUID
    kind: str
    subject_id: uuid.UUID
    investor_id: uuid.UUID
    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    html: str = field(repr=False)
    plain: str = field(repr=False)
    created_night: str


@dataclass(frozen=True)
class Claimed(Mail):
    """A mail about to be tried; `attempts` counts this try."""

    attempts: int


def alert_mail_id(alert_id: uuid.UUID, investor_id: uuid.UUID) -> uuid.UUID:
    """Id of the mail that tells an investor of an alert episode; a new address is no new mail."""
    return uuid.uuid5(NAMESPACE, f"alert:{alert_id}:{investor_id}")


def report_mail_id(portfolio_id: uuid.UUID, month_end: date) -> uuid.UUID:
    """Id of the mail with a portfolio's report of a month."""
    return uuid.uuid5(NAMESPACE, f"report:{portfolio_id}:{month_end:%Y-%m}")


def absent(connection: Connection, mail_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the ids that the outbox does not hold yet."""
    held = connection.execute(
        "select mail_id from delivery.outbox where mail_id = any(%s)", (list(mail_ids),)
    )
    return set(mail_ids) - {row[0] for row in held}


def put(connection: Connection, mail: Mail) -> bool:
    """Let a mail wait for its sending; False where the outbox already holds its id, unchanged."""
    cursor = connection.execute(
        """
        insert into delivery.outbox
            (mail_id, kind, subject_id, investor_id, recipient, subject, html, plain, created_night, status)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'waiting')
        on conflict (mail_id) do nothing
        """,
        (
            mail.mail_id,
            mail.kind,
            mail.subject_id,
            mail.investor_id,
            mail.recipient,
            mail.subject,
            mail.html,
            mail.plain,
            mail.created_night,
        ),
    )
    return cursor.rowcount == 1


def waiting(connection: Connection, kind: str) -> list[uuid.UUID]:
    """Ids of the mails of a kind that are still to be sent, oldest night first."""
    rows = connection.execute(
        """
        select mail_id from delivery.outbox
        where kind = %s and status = 'waiting'
        order by created_night, mail_id
        """,
        (kind,),
    )
    return [row[0] for row in rows]


@contextmanager
def claim(connection: Connection, mail_id: uuid.UUID) -> Iterator[Claimed | None]:
    """Hold a waiting mail for one try; None where another sender holds it or it waits no more.

    The connection must be in autocommit mode: the attempt is counted before the block begins.
    """
    lock = f"delivery.outbox|{mail_id}"
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (lock,)).fetchone()
    if not (row and row[0]):
        yield None
        return
    try:
        yield _count_attempt(connection, mail_id)
    finally:
        connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (lock,))


def mark_sent(connection: Connection, mail_id: uuid.UUID) -> None:
    """Note that the server took the mail."""
    connection.execute(
        """
        update delivery.outbox set status = 'sent', sent_at = clock_timestamp(), error = null
        where mail_id = %s
        """,
        (mail_id,),
    )


def mark_refused(connection: Connection, mail_id: uuid.UUID, reason: str, *, for_good: bool) -> None:
    """Note why the server did not take the mail; it waits for the next run unless refused `for_good`."""
    connection.execute(
        "update delivery.outbox set status = %s, error = %s where mail_id = %s",
        ("failed" if for_good else "waiting", reason, mail_id),
    )


def _count_attempt(connection: Connection, mail_id: uuid.UUID) -> Claimed | None:
    connection.execute(
        """
        update delivery.outbox
        set status = 'failed', error = coalesce(error, 'its sender stopped at every attempt')
        where mail_id = %s and status = 'waiting' and attempts >= %s
        """,
        (mail_id, MOST_ATTEMPTS),
    )
    with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        return cursor.execute(
            """
            update delivery.outbox set attempts = attempts + 1
            where mail_id = %s and status = 'waiting'
            returning
                mail_id, kind, subject_id, investor_id, recipient, subject, html, plain, created_night,
                attempts
            """,
            (mail_id,),
        ).fetchone()
