"""The catcher: keeps every mail it is given, each delivery visible."""

import smtplib
import subprocess
import sys
from email.message import EmailMessage

import pytest

from folio.delivery.mail.catcher import Catcher
from folio.errors import ServiceError


def message(message_id: str = "<one@example.com>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "a@example.com", "b@example.com", message_id
    mail.set_content("hello")
    return mail


def send(port: int, *mails: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        for mail in mails:
            server.send_message(mail)


def test_a_mail_is_kept_under_its_message_id_and_a_second_copy_beside_it(tmp_path):
    with Catcher(tmp_path) as catcher:
        send(catcher.port, message(), message(), message("<two@example.com>"))
        assert catcher.wait_for(3, seconds=10)
    assert [path.name for path in catcher.mails()] == ["one.2.eml", "one.eml", "two.eml"]
    assert b"hello" in (tmp_path / "one.eml").read_bytes()


def test_a_message_id_cannot_leave_the_folder(tmp_path):
    folder = tmp_path / "mail"
    with Catcher(folder) as catcher:
        send(catcher.port, message("<../../etc/passwd@example.com>"))
        assert catcher.wait_for(1, seconds=10)
    assert [path.parent for path in tmp_path.rglob("*.eml")] == [folder]


def test_waiting_for_a_mail_that_does_not_come_ends(tmp_path):
    with Catcher(tmp_path) as catcher:
        assert not catcher.wait_for(1, seconds=0.01)


def test_a_port_in_use_is_a_clear_error(tmp_path):
    with (
        Catcher(tmp_path) as first,
        pytest.raises(ServiceError, match=f"cannot serve port {first.port}"),
        Catcher(tmp_path, first.port),
    ):
        pass


def test_the_command_says_when_it_serves_and_stops_when_asked(tmp_path):
    command = [
        sys.executable,
        "-m",
        "folio.delivery.mail.catcher",
        "--port",
        "0",
        "--folder",
        str(tmp_path / "mail"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("mail catcher ready on 127.0.0.1:")
            send(int(line.split(":")[1].split(",")[0]), message())
            process.terminate()
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
    assert (tmp_path / "mail" / "one.eml").exists()
