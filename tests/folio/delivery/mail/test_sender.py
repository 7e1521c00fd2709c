"""Sending: what a message holds, what a refusal means, and that each mail goes out once."""

import contextlib
import email
import email.policy
import socket
import threading
import time
import uuid
from dataclasses import replace

import psycopg
import pytest
from aiosmtpd.controller import Controller

from folio.delivery.mail import outbox
from folio.delivery.mail.catcher import Catcher
from folio.delivery.mail.outbox import Mail
from folio.delivery.mail.sender import Delivery, Refused, Sender, compose, send_waiting
from folio.errors import DeliveryError, SettingsError
from folio.settings import Settings

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MAIL = Mail(
    mail_id=uuid.UUID(int=11),
    kind="report",
    subject_id=uuid.UUID(int=1),
    investor_id=uuid.UUID(int=7),
    recipient="ada@example.com",
    subject="Savings:\r\nBcc: eve@example.com",
    html=f'<p>value</p><img src="data:image/png;base64,{PIXEL}" alt="line">',
    plain="value",
    created_night="2013-03-01T0300Z",
)


def smtp(port: int, **others) -> Settings:
    return Settings(_env_file=None, smtp_host="127.0.0.1", smtp_port=port, **others)


@pytest.fixture
def catcher(tmp_path):
    with Catcher(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def connection(warehouse):
    with psycopg.connect(warehouse, autocommit=True) as opened:
        yield opened


@contextlib.contextmanager
def server_answering(data: str = "250 ok", recipient: str = "250 ok"):
    """An SMTP server that gives fixed answers; yields its port and the recipients it was asked for."""

    class Handler:
        asked: list[str]

        def __init__(self):
            self.asked = []

        async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
            self.asked.append(address)
            if recipient.startswith("250"):
                envelope.rcpt_tos.append(address)
            return recipient

        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            return data

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, controller.handler.asked
    finally:
        controller.stop()


def state(connection, mail_id=MAIL.mail_id):
    return connection.execute(
        "select status, attempts, error from delivery.outbox where mail_id = %s", (mail_id,)
    ).fetchone()


def test_a_message_has_text_html_and_its_pictures_inline():
    message = email.message_from_bytes(bytes(compose(MAIL, "folio@example.org")), policy=email.policy.default)
    assert message["Message-ID"] == f"<{MAIL.mail_id}@example.org>"
    assert message["Subject"] == "Savings: Bcc: eve@example.com"
    assert message["Bcc"] is None
    assert message.get_body(("plain",)).get_content().strip() == "value"
    html = message.get_body(("html",)).get_content()
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    assert picture.get_content().startswith(b"\x89PNG")
    assert picture.get_content_disposition() == "inline"


@pytest.mark.parametrize(
    "address", ["a@example.com, b@example.com", "nobody", "a@b.c\r\nBcc: d@e.f", "", "@"]
)
def test_only_one_well_formed_address_is_written_to(address):
    with pytest.raises(Refused) as refusal:
        compose(replace(MAIL, recipient=address), "folio@example.org")
    assert refusal.value.for_good
    assert "example.com" not in str(refusal.value)


def test_each_mail_is_sent_once_however_often_the_run_is_repeated(connection, catcher):
    others = [replace(MAIL, mail_id=uuid.UUID(int=20 + n)) for n in range(3)]
    assert all(outbox.put(connection, mail) for mail in [MAIL, *others])
    assert not outbox.put(connection, replace(MAIL, subject="another text"))
    assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery(sent=4)
    assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery()
    assert len(catcher.mails()) == 4
    assert state(connection) == ("sent", 1, None)


def test_a_kind_is_sent_alone(connection, catcher):
    outbox.put(connection, MAIL)
    assert send_waiting(connection, "alert", smtp(catcher.port)) == Delivery()
    assert state(connection)[0] == "waiting"


def test_a_server_that_does_not_answer_costs_no_attempt(connection):
    outbox.put(connection, MAIL)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError, match="FOLIO_SMTP_HOST"):
            send_waiting(connection, "report", smtp(closed.getsockname()[1]))
    assert state(connection) == ("waiting", 0, None)


def test_a_refusal_for_now_waits_and_is_given_up_after_some_attempts(connection):
    outbox.put(connection, MAIL)
    with server_answering(data="451 try later") as (port, _):
        for attempt in range(1, outbox.MOST_ATTEMPTS):
            assert send_waiting(connection, "report", smtp(port)) == Delivery(still_waiting=1)
            assert state(connection) == ("waiting", attempt, "refused with code 451")
        assert send_waiting(connection, "report", smtp(port)) == Delivery(failed=1)
        assert send_waiting(connection, "report", smtp(port)) == Delivery()
    assert state(connection)[:2] == ("failed", outbox.MOST_ATTEMPTS)


def test_a_refusal_for_good_is_not_tried_again_and_stops_no_other_mail(connection, caplog):
    outbox.put(connection, MAIL)
    outbox.put(connection, replace(MAIL, mail_id=uuid.UUID(int=12), recipient="two addresses, here"))
    with server_answering(recipient="550 no such user") as (port, asked):
        assert send_waiting(connection, "report", smtp(port)) == Delivery(failed=2)
        assert asked == ["ada@example.com"]
    assert state(connection) == ("failed", 1, "recipient refused with code 550")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("folio")]
    assert ours
    assert "example.com" not in "".join(ours)


def test_a_mail_that_another_sender_holds_is_left_to_it(connection, warehouse, catcher):
    outbox.put(connection, MAIL)
    with psycopg.connect(warehouse, autocommit=True) as other, outbox.claim(other, MAIL.mail_id) as held:
        assert held is not None
        assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery()
    assert catcher.mails() == []
    assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery(sent=1)


def test_two_senders_at_once_send_each_mail_once(warehouse, connection, catcher):
    mails = [replace(MAIL, mail_id=uuid.UUID(int=100 + n)) for n in range(20)]
    for mail in mails:
        outbox.put(connection, mail)
    sent: list[int] = []

    def run() -> None:
        with psycopg.connect(warehouse, autocommit=True) as own:
            sent.append(send_waiting(own, "report", smtp(catcher.port)).sent)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(sent) == 20
    assert len(catcher.mails()) == 20


def until_gone(connection, backend):
    """Wait for a closed connection's backend to end, and so to let its row go."""
    deadline = time.monotonic() + 10
    while connection.execute("select 1 from pg_stat_activity where pid = %s", [backend]).fetchone():
        connection.rollback()
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_a_sender_that_died_after_sending_sends_the_same_message_id_again(connection, warehouse, catcher):
    outbox.put(connection, MAIL)
    with (
        contextlib.suppress(psycopg.OperationalError),
        psycopg.connect(warehouse, autocommit=True) as dying,
        outbox.claim(dying, MAIL.mail_id) as mail,
        Sender(smtp(catcher.port)) as sender,
    ):
        sender.send(mail)
        backend = dying.info.backend_pid
        dying.close()  # as a killed process leaves it: the server has the mail, the row does not know
    until_gone(connection, backend)
    assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery(sent=1)
    ids = {email.message_from_bytes(path.read_bytes())["Message-ID"] for path in catcher.mails()}
    assert (len(catcher.mails()), ids) == (2, {f"<{MAIL.mail_id}@localhost>"})


def test_a_mail_that_kills_every_sender_is_given_up(connection, catcher):
    outbox.put(connection, MAIL)
    connection.execute("update delivery.outbox set attempts = %s", (outbox.MOST_ATTEMPTS,))
    assert send_waiting(connection, "report", smtp(catcher.port)) == Delivery()
    assert state(connection)[0] == "failed"


def test_a_password_is_not_sent_in_the_clear_over_a_network():
    with (
        pytest.raises(SettingsError, match="FOLIO_SMTP_STARTTLS"),
        Sender(Settings(_env_file=None, smtp_host="mail.example.org", smtp_user="folio")),
    ):
        pass


def test_a_server_without_tls_is_refused_when_tls_is_asked_for(catcher):
    with pytest.raises(DeliveryError, match="does not serve"), Sender(smtp(catcher.port, smtp_starttls=True)):
        pass


def test_a_sender_sends_within_its_block_only():
    with pytest.raises(DeliveryError, match="within its"):
        Sender(smtp(1)).send(MAIL)
