"""A real InfluxDB for tests and benchmarks: Debian's 1.6.7 behind an nginx that gives it the write API of 2.

`python -m tests.influx_engine` runs one until interrupted and prints the settings under which Folio uses it.
nginx checks the token, which the engine does not know, and maps `/api/v2/write` to `/write`: bucket `db/rp`
to database and policy, and precision `us`, which the engine would take for `ns`.
"""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import requests

from folio.settings import ROOT

PACKAGES = ROOT / ".folio" / "influx-engine"
START_SECONDS = 20.0
UNPACK_SECONDS = 120

INFLUXD = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{engine}"
log-enabled = false
[logging]
level = "warn"
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_buffer_size 8m;
    client_body_temp_path {folder}/nginx;
    proxy_temp_path {folder}/nginx;
    fastcgi_temp_path {folder}/nginx;
    uwsgi_temp_path {folder}/nginx;
    scgi_temp_path {folder}/nginx;
    proxy_set_header Authorization "";
    map $http_authorization $known {{ default 0; "Token {token}" 1; }}
    map $arg_precision $precision {{ default n; ns n; us u; ms ms; s s; }}
    map $arg_bucket $database {{ "~^(?<d>[^/%]+)" $d; }}
    map $arg_bucket $policy {{ default autogen; "~^[^/%]+(/|%2F)(?<p>.+)$" $p; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            if ($known = 0) {{ return 401 '{{"code":"unauthorized","message":"unauthorized access"}}'; }}
            proxy_pass http://127.0.0.1:{engine};
        }}
        location = /ping {{ proxy_pass http://127.0.0.1:{engine}; }}
        location = /api/v2/write {{
            if ($known = 0) {{ return 401 '{{"code":"unauthorized","message":"unauthorized access"}}'; }}
            set $asked db=$database&rp=$policy&precision=$precision;
            proxy_pass http://127.0.0.1:{engine}/write?$asked;
        }}
    }}
}}
"""


class NoEngine(Exception):
    """No engine can be had or started here; the text says why."""


class InfluxEngine:
    """An InfluxDB with its data in a folder; may be killed and started again on the same data."""

    def __init__(self, folder: Path, packages: Path = PACKAGES) -> None:
        self.folder, self.packages = folder, packages
        self.token = secrets.token_urlsafe(24)
        self.port, self.engine_port, self._rpc = _free_ports(3)
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """Its processes, while it runs."""
        return [process.pid for process in self._processes]

    def start(self) -> "InfluxEngine":
        """Start, on the data that is there, and wait until it answers; NoEngine where it does not."""
        (self.folder / "nginx").mkdir(parents=True, exist_ok=True)
        values = {
            "folder": self.folder,
            "port": self.port,
            "engine": self.engine_port,
            "rpc": self._rpc,
            "token": self.token,
        }
        (self.folder / "influxd.conf").write_text(INFLUXD.format(**values))
        (self.folder / "nginx.conf").write_text(NGINX.format(**values))
        with (self.folder / "engine.log").open("ab") as log:
            for command in (
                [self.packages / "usr/bin/influxd", "run", "-config", self.folder / "influxd.conf"],
                [self.packages / "usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "nginx.conf"],
            ):
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        self._wait()
        return self

    def kill(self) -> None:
        """End both processes at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End both processes in order."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> "InfluxEngine":
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop; the data stays."""
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(how)
        for process in self._processes:
            process.wait(START_SECONDS)
        self._processes.clear()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._has_ended() or time.monotonic() > deadline:
                self.kill()
                log = (self.folder / "engine.log").read_text(errors="replace")
                raise NoEngine(f"InfluxDB did not start: {log[-500:]}")

    def _has_ended(self) -> bool:
        """Whether a process has ended; looks on for a moment before it says no."""
        for process in self._processes:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            return True
        return False

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/ping", timeout=1).status_code == requests.codes.no_content
        except requests.RequestException:
            return False


def unpack(packages: Path = PACKAGES) -> None:
    """Get the two Debian packages, once, some 6 MB; NoEngine says why they cannot be had."""
    command = [ROOT / "bin" / "influx-engine", packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=UNPACK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoEngine(f"the packages did not come within {UNPACK_SECONDS} s") from None
    if done.returncode:
        raise NoEngine(done.stderr.strip() or f"bin/influx-engine ended with {done.returncode}")


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens to."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> None:
    """Run an engine in a temporary folder until interrupted."""
    folder = Path(tempfile.mkdtemp(prefix="folio-influx-"))
    try:
        unpack()
        with InfluxEngine(folder) as engine:
            print(f"FOLIO_INFLUX_URL={engine.url}\nFOLIO_INFLUX_TOKEN={engine.token}", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
