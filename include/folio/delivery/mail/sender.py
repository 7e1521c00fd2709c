"""Sending: waiting mails of the outbox through an SMTP server, with the mail's id as its Message-ID."""

import base64
import logging
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from types import TracebackType
from typing import Self

from folio.delivery.mail import outbox
from folio.delivery.mail.outbox import Connection, Mail
from folio.delivery.mail.wording import one_line
from folio.errors import DeliveryError, SettingsError
from folio.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PICTURE = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"')


class Refused(DeliveryError):
    """The server did not take a mail, `for_good` where asking again cannot help; names no address."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True)
class Delivery:
    """What became of the mails that waited."""

    sent: int = 0
    still_waiting: int = 0
    failed: int = 0


class Sender:
    """A session with the SMTP server that the settings name; a context manager.

    Raises
    ------
    SettingsError
        A login would cross a network in the clear.
    DeliveryError
        The server cannot be reached, refuses TLS or the login.
    """

    def __init__(self, current: Settings) -> None:
        self._settings = current
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        current = self._settings
        if current.smtp_user and not current.smtp_starttls and current.smtp_host not in LOOPBACK:
            raise SettingsError(
                "FOLIO_SMTP_USER without FOLIO_SMTP_STARTTLS would send the password readable to all: "
                "set FOLIO_SMTP_STARTTLS=true."
            )
        where = f"{current.smtp_host}:{current.smtp_port}"
        try:
            self._server = smtplib.SMTP(current.smtp_host, current.smtp_port, timeout=TIMEOUT_SECONDS)
            if current.smtp_starttls:
                self._server.starttls(context=ssl.create_default_context())
            if current.smtp_user:
                password = current.smtp_password.get_secret_value() if current.smtp_password else ""
                self._server.login(current.smtp_user, password)
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise DeliveryError(
                f"The SMTP server {where} does not serve ({type(error).__name__}): "
                "check FOLIO_SMTP_HOST, FOLIO_SMTP_PORT and the login. The mails wait in delivery.outbox."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, mail: Mail) -> None:
        """Hand one mail to the server.

        Raises
        ------
        Refused
            The server said no to this mail, or its address cannot be one.
        DeliveryError
            The session broke: nothing is known of this mail, and no other can be sent.
        """
        if self._server is None:
            raise DeliveryError("A Sender sends within its `with` block only.")
        message = compose(mail, self._settings.mail_from)
        try:
            self._server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            raise Refused(f"recipient refused with code {code}", for_good=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
                raise DeliveryError("The SMTP session broke; the mails wait in delivery.outbox.") from error
            raise Refused(f"refused with code {error.smtp_code}", for_good=error.smtp_code >= 500) from None
        except smtplib.SMTPNotSupportedError:
            raise Refused("the server does not take such addresses", for_good=True) from None
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise DeliveryError("The SMTP session broke; the mails wait in delivery.outbox.") from error

    def _close(self) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._server.close()  # it was gone already
            self._server = None


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Message of a mail: plain text, HTML, and the pictures of the HTML as inline attachments.

    Raises
    ------
    Refused
        The recipient is not one well-formed address.
    """
    try:
        recipient = Address(addr_spec=mail.recipient)
        domain = Address(addr_spec=sender).domain
    except (ValueError, IndexError, MessageError):
        raise Refused("the recipient or sender is not one well-formed address", for_good=True) from None
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{mail.mail_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.plain)

    pictures: list[tuple[str, bytes]] = []

    def attach(found: re.Match[str]) -> str:
        name = f"picture-{len(pictures) + 1}.{mail.mail_id}@{domain}"
        pictures.append((name, base64.b64decode(found[1])))
        return f'src="cid:{name}"'

    message.add_alternative(PICTURE.sub(attach, mail.html), subtype="html")
    html = message.get_body(("html",))
    assert html is not None  # it was added a line above
    for name, picture in pictures:
        html.add_related(
            picture,
            "image",
            "png",
            cid=f"<{name}>",
            disposition="inline",
            filename=f"{name.split('.')[0]}.png",
        )
    return message


def send_waiting(connection: Connection, kind: str, current: Settings) -> Delivery:
    """Send every waiting mail of a kind, each at most once in this run.

    The connection must be in autocommit mode. A mail the server refuses for now waits for the next run, at
    most `outbox.MOST_ATTEMPTS` times; a server that does not answer costs no mail an attempt.

    Raises
    ------
    DeliveryError
        The server cannot be reached or the session broke; what was sent until then is noted.
    """
    mails = outbox.waiting(connection, kind)
    sent = still_waiting = failed = 0
    if not mails:
        return Delivery()
    with Sender(current) as sender:
        for mail_id in mails:
            with outbox.claim(connection, mail_id) as mail:
                if mail is None:
                    continue
                try:
                    sender.send(mail)
                except Refused as refusal:
                    for_good = refusal.for_good or mail.attempts >= outbox.MOST_ATTEMPTS
                    outbox.mark_refused(connection, mail_id, str(refusal), for_good=for_good)
                    log.warning("mail %s: %s (attempt %s)", mail_id, refusal, mail.attempts)
                    failed, still_waiting = failed + for_good, still_waiting + (not for_good)
                else:
                    outbox.mark_sent(connection, mail_id)
                    sent += 1
    return Delivery(sent=sent, still_waiting=still_waiting, failed=failed)
