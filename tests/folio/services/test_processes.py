"""Local processes start once, are found again, tell what ails them, and end with all their children."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from folio.errors import ServiceError
from folio.services import processes
from folio.services.processes import Process, stop_all, wait_until_healthy

SLEEPER = "import time; time.sleep(600)"
PARENT = f"""
import subprocess, sys, pathlib
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
pathlib.Path("child").write_text(str(child.pid))
child.wait()
"""
STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("child").write_text("ready")
time.sleep(600)
"""


def file_exists(path: Path) -> processes.Health:
    return lambda _: None if path.exists() and path.read_text() else "not written yet"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def build(script: str, name: str = "service", **arguments: object) -> Process:
        command = (sys.executable, "-c", script)
        process = Process(name, command, tmp_path, lambda: os.environ, tmp_path, **arguments)
        made.append(process)
        return process

    yield build
    stop_all(made)


def is_alive(pid: int) -> bool:
    return processes._identity(pid) is not None


def test_a_started_process_is_not_started_twice(make):
    process = make(SLEEPER)
    assert process.start() is True
    pid = process.pid
    assert make(SLEEPER).start() is False
    assert process.pid == pid


def test_stopping_ends_the_children_too(make, tmp_path):
    process = make(PARENT, health=file_exists(tmp_path / "child"))
    process.start()
    wait_until_healthy([process])
    child = int((tmp_path / "child").read_text())
    process.stop()
    assert process.pid is None
    assert not is_alive(child)
    process.stop()  # nothing to do, no error


def test_starting_after_a_kill_ends_the_orphans_first(make, tmp_path):
    process = make(PARENT, health=file_exists(tmp_path / "child"))
    process.start()
    wait_until_healthy([process])
    orphan = int((tmp_path / "child").read_text())
    os.kill(process.pid, signal.SIGKILL)
    while process.pid is not None:
        pass
    assert process.start() is True
    assert not is_alive(orphan)


def test_a_process_that_ignores_the_request_to_end_is_killed(make, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    process = make(STUBBORN, health=file_exists(tmp_path / "child"))
    process.start()
    wait_until_healthy([process])
    process.stop()
    assert process.pid is None


def test_a_process_that_ends_is_reported_with_the_end_of_its_log(make):
    process = make("import sys; sys.exit('no such folder: books')", health=lambda _: "never")
    process.start()
    with pytest.raises(ServiceError, match=r"service ended as it started.*\n.*no such folder: books"):
        wait_until_healthy([process])


def test_a_process_that_is_late_is_reported_with_what_ails_it(make):
    process = make(SLEEPER, health=lambda _: "its port does not answer", deadline=0.2)
    process.start()
    with pytest.raises(ServiceError, match="within 0 s: its port does not answer"):
        wait_until_healthy([process])


def test_a_pid_file_that_names_another_process_is_not_believed(make):
    process = make(SLEEPER)
    process.pid_file.write_text(f'{{"pid": {os.getpid()}, "identity": "1", "started_at": 4e9}}')
    assert process.pid is None
    process.stop()
    assert is_alive(os.getpid())


def test_a_broken_pid_file_counts_as_none(make):
    process = make(SLEEPER)
    process.pid_file.write_text("{")
    assert process.ailment() == "not started"


def test_health_is_asked_with_the_instant_of_the_start(make):
    asked: list[float] = []

    def health(started_at: float) -> str | None:
        asked.append(started_at)
        return None

    process = make(SLEEPER, health=health)
    process.start()
    wait_until_healthy([process])
    assert asked[0] == pytest.approx(process.log_file.stat().st_ctime, abs=5)


def test_processes_of_other_sessions_are_left_alone(make):
    process = make(SLEEPER)
    bystander = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
    try:
        process.start()
        process.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_port_is_waited_for(make):
    from folio.services.instance import _listens

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = make(
        f"import socket; s = socket.create_server(('127.0.0.1', {port}));\nwhile True: s.accept()[0].close()",
        health=_listens(port),
    )
    assert "does not answer" in (_listens(port)(0.0) or "")
    process.start()
    wait_until_healthy([process])
