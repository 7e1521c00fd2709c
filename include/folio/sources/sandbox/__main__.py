"""Run a sandbox: `python -m folio.sources.sandbox --port 8100 --folder demo-data`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from folio.errors import ServiceError
from folio.sources.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 where the folder cannot be served or the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m folio.sources.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--folder",
        type=Path,
        action="append",
        required=True,
        help="demo data, or recorded payloads; may be given again for further recordings",
    )
    parser.add_argument("--faults", type=Path, help="JSON list of faults, read again whenever it changes")
    chosen = parser.parse_args(arguments)
    try:
        sandbox = Sandbox(chosen.folder, chosen.port, chosen.faults)
    except (ServiceError, OSError) as fault:
        print(f"The sandbox cannot start: {fault}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=sandbox.stop).start())
    print(f"The sandbox answers on {sandbox.url}", flush=True)
    sandbox.serve()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
