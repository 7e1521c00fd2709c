"""A local SMTP server that keeps every mail it is given as an `.eml` file and sends nothing on.

Start it with `python -m folio.delivery.mail.catcher --port 1025 --folder mail`; it prints one line when it
serves.
"""

import argparse
import logging
import re
import signal
import threading
from email.parser import BytesHeaderParser
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from folio.errors import ServiceError

HOST = "127.0.0.1"
LARGEST_MAIL = 33_554_432
SAFE = re.compile(r"[^A-Za-z0-9._-]+")


class _Controller(Controller):  # type: ignore[misc]
    """The library's server thread, also on a port the system chooses."""

    def _trigger_server(self) -> None:
        if self.port == 0 and self.server is not None:
            self.port: int = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()


class Catcher:
    """The server and its folder; a context manager that serves while its block runs.

    A mail is written as `<local part of its Message-ID>.eml`; when one comes again it is kept beside the
    first as `.2.eml` and so on, so that the folder shows how often each mail was sent.
    """

    def __init__(self, folder: Path, port: int = 0, host: str = HOST) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library logs addresses at INFO
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._arrived = threading.Condition()
        self._controller = _Controller(self, hostname=host, port=port, data_size_limit=LARGEST_MAIL)

    @property
    def port(self) -> int:
        """Port on which it serves; 0 until it does where the system chooses."""
        return int(self._controller.port)

    def __enter__(self) -> Self:
        try:
            self._controller.start()
        except (OSError, TimeoutError) as error:
            raise ServiceError(
                f"The mail catcher cannot serve port {self._controller.port}: {error}"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    def mails(self) -> list[Path]:
        """Files kept so far, by name."""
        return sorted(self.folder.glob("*.eml"))

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until the folder holds at least `count` mails; False when `seconds` have passed first."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.mails()) >= count, timeout=seconds)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (the library's name)
        """Keep one mail; the server answers 250 only when its file is whole."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        with self._arrived:
            self._keep(content)
            self._arrived.notify_all()
        return "250 kept"

    def _keep(self, content: bytes) -> None:
        message_id = str(BytesHeaderParser().parsebytes(content).get("Message-ID", "mail"))
        name = SAFE.sub("-", message_id.strip("<> \t").split("@")[0]).strip(".-")[:100] or "mail"
        target, copy = self.folder / f"{name}.eml", 1
        while target.exists():
            copy += 1
            target = self.folder / f"{name}.{copy}.eml"
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.rename(target)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Keep every mail as an .eml file; send nothing on.")
    parser.add_argument("--port", type=int, default=1025, help="port to serve; 0 chooses a free one")
    parser.add_argument("--host", default=HOST, help="address to serve; loopback unless said otherwise")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the .eml files")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Catcher(chosen.folder, chosen.port, chosen.host) as catcher:
        print(
            f"mail catcher ready on {chosen.host}:{catcher.port}, keeping mails in {chosen.folder}",
            flush=True,
        )
        stop.wait()


if __name__ == "__main__":
    main()
