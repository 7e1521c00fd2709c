"""A long-running local process with a pid file and a log, started and stopped by any of our processes."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from folio.errors import ServiceError

STOP_SECONDS = 15
POLL_SECONDS = 0.1
LOG_LINES_SHOWN = 20

Health = Callable[[float], str | None]
"""Given the instant (Unix seconds) a process started: None when it is fit for use, else what is missing."""


def _no_check(_: float) -> None:
    return None


@dataclass(frozen=True)
class Process:
    """One service of an instance.

    `folder` keeps `<name>.pid` and `<name>.log`. `environment` is asked when it starts, `health` while
    waiting; `deadline` seconds is how long the process may take until it is healthy. The process leads a
    session of its own and outlives us; another process of ours may find and stop it.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Callable[[], Mapping[str, str]] = field(repr=False)
    working_directory: Path = field(default_factory=Path.cwd)
    health: Health = _no_check
    deadline: float = 60.0
    url: str | None = None

    @property
    def pid_file(self) -> Path:
        """Names the process and the moment it started, so that a later process of that number is not ours."""
        return self.folder / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        """Everything the process and its children said."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Process id while it is alive, else None."""
        kept = self._kept()
        return kept.pid if kept and _identity(kept.pid) == kept.identity else None

    def start(self) -> bool:
        """Start unless it is alive; tells whether it was started. Does not wait until it is healthy."""
        if self.pid is not None:
            return False
        self.stop()  # what a killed leader left of its group
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            started = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment()),
                cwd=self.working_directory,
                start_new_session=True,
            )
        identity = _identity(started.pid) or ""
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix=self.name, delete=False) as partial:
            json.dump({"pid": started.pid, "identity": identity, "started_at": time.time()}, partial)
        Path(partial.name).rename(self.pid_file)
        return True

    def ailment(self) -> str | None:
        """What keeps the process from being of use; None when it is healthy."""
        kept = self._kept()
        if kept is None:
            return "not started"
        if self.pid is None:
            return "ended"
        return self.health(kept.started_at)

    def stop(self) -> None:
        """Ask the whole process group to end, then kill what is left; nothing when none is."""
        kept = self._kept()
        if kept is None:
            return
        members = _members(kept.pid, kept.started_at)
        if members:
            _signal(members, signal.SIGTERM)
            if not _ended(kept.pid, kept.started_at, STOP_SECONDS):
                _signal(_members(kept.pid, kept.started_at), signal.SIGKILL)
                if not _ended(kept.pid, kept.started_at, STOP_SECONDS):
                    raise ServiceError(f"{self.name} (process {kept.pid}) does not end, even when killed.")
        self.pid_file.unlink(missing_ok=True)

    def log_tail(self) -> str:
        """Last lines of the log, indented for an error message."""
        if not self.log_file.exists():
            return "    (no log)"
        with self.log_file.open("rb") as log:
            log.seek(max(0, self.log_file.stat().st_size - 20_000))
            lines = log.read().decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join(f"    {line}" for line in lines)

    def _kept(self) -> "_PidFile | None":
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            return _PidFile(**json.loads(self.pid_file.read_text()))
        return None


def wait_until_healthy(
    processes: Iterable[Process],
    ready: Callable[[Process], None] = lambda _: None,
    found_running: Iterable[Process] = (),
) -> None:
    """Wait for all processes at once, calling `ready` for each as it gets healthy.

    One that was found running may be about to end, its database having been away: it is started anew, once.
    ServiceError, with the end of its log, for one that ends or is not healthy within its deadline.
    """
    began = time.monotonic()
    pending, unsettled = list(processes), {process.name for process in found_running}
    while pending:
        for process in list(pending):
            ailment = process.ailment()
            if ailment is None:
                pending.remove(process)
                ready(process)
            elif process.pid is None and process.name in unsettled:
                unsettled.remove(process.name)
                process.start()
            elif process.pid is None or time.monotonic() - began > process.deadline:
                late = f"did not get ready within {process.deadline:.0f} s: {ailment}"
                raise ServiceError(
                    f"{process.name} {'ended as it started' if process.pid is None else late}. "
                    f"Its log {process.log_file} ends:\n{process.log_tail()}"
                )
        if pending:
            time.sleep(POLL_SECONDS)


def stop_all(processes: Iterable[Process]) -> None:
    """Stop processes; all are told first, so that they end side by side."""
    listed = list(processes)
    for process in listed:
        kept = process._kept()
        if kept:
            _signal(_members(kept.pid, kept.started_at), signal.SIGTERM)
    for process in listed:
        process.stop()


@dataclass(frozen=True)
class _PidFile:
    pid: int
    identity: str
    started_at: float


def _status(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _identity(pid: int) -> str | None:
    """What tells a living process from a later one of the same number; None when it has ended."""
    if Path("/proc/self/stat").exists():
        status = _status(pid)
        return status[19] if status and status[0] != "Z" else None  # clock ticks from boot to its start
    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, began = listed.stdout.strip().partition(" ")
    return began.strip() if began and not state.startswith("Z") else None


def _members(leader: int, started_at: float) -> list[int]:
    """Living processes of the session that a leader opened, also after its own end."""
    if Path("/proc/self/stat").exists():
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            status = _status(int(entry.name))
            if status and status[0] != "Z" and status[3] == str(leader):
                found.append(int(entry.name))
        return found if _began_after(found, started_at) else []
    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [int(row[0]) for row in rows if row[1] == str(leader) and not row[2].startswith("Z")]


def _began_after(pids: list[int], instant: float) -> bool:
    """Whether none of the processes is older than an instant; else the number is somebody else's now."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    boot = time.time() - uptime
    ticks = os.sysconf("SC_CLK_TCK")
    starts = [boot + int(status[19]) / ticks for status in map(_status, pids) if status]
    return all(start > instant - 5 for start in starts)


def _signal(pids: list[int], how: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, how)


def _ended(leader: int, started_at: float, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _members(leader, started_at):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
