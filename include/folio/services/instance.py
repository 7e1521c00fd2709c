"""An instance: one set of databases and local services, described once, started and stopped together."""

import contextlib
import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from folio import settings as settings_module
from folio.errors import ServiceError
from folio.services import airflow
from folio.services.processes import Health, Process, stop_all, wait_until_healthy
from folio.settings import ROOT, Settings
from folio.store import postgres, warehouse

AIRFLOW_SERVICES = ("api_server", "scheduler", "dag_processor", "triggerer")
SERVICES = ("postgres", "sandbox", "mail", *AIRFLOW_SERVICES, "api")
"""Everything an instance may run, in the order in which it is shown."""

NOT_INHERITED = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"})
"""Variables of another Python; and without bytecode every task compiles all that it imports."""

Progress = Callable[[str, str], None]
"""Told the name of a service and what happens to it."""


def _silent(_service: str, _news: str) -> None:
    return None


@dataclass(frozen=True)
class ServiceStatus:
    """How one service is now."""

    name: str
    state: Literal["healthy", "ailing", "stopped", "configured"]
    url: str | None
    pid: int | None
    reason: str | None


@dataclass(frozen=True)
class Instance:
    """Name, services and providers of an instance; kept in its folder, so that `folio up` finds it again.

    Parameters
    ----------
    base : Settings
        Settings of the environment; `settings` are those with this instance's ports and providers in them.
    services : names out of SERVICES
    sandbox_folder : Path, optional
        What the sandbox serves; with it the providers are the sandbox and payloads carry a recorded time.
    sandbox_arguments : further arguments of the sandbox
    dags : folder of the Dags that Airflow reads
    """

    base: Settings
    services: tuple[str, ...] = tuple(name for name in SERVICES if name != "sandbox")
    sandbox_folder: Path | None = None
    sandbox_arguments: tuple[str, ...] = ()
    dags: Path = ROOT / "dags"
    _ports: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    # description

    @classmethod
    def with_sandbox(cls, base: Settings, folder: Path, *arguments: str) -> Self:
        """Build an instance whose providers are a sandbox over a folder."""
        return cls(base, SERVICES, folder.absolute(), arguments)

    @classmethod
    def load(cls, base: Settings) -> Self:
        """Read the description kept at the last start, else describe an instance with live providers."""
        try:
            kept = json.loads((_folder(base) / "instance.json").read_text())
        except FileNotFoundError:
            return cls(base)
        return cls(
            base,
            tuple(kept["services"]),
            Path(kept["sandbox_folder"]) if kept["sandbox_folder"] else None,
            tuple(kept["sandbox_arguments"]),
            Path(kept["dags"]),
            _read_ports(base),
        )

    def save(self) -> None:
        """Keep the description and the ports in the instance's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        described = {
            "services": self.services,
            "sandbox_folder": str(self.sandbox_folder) if self.sandbox_folder else None,
            "sandbox_arguments": self.sandbox_arguments,
            "dags": str(self.dags),
        }
        (self.folder / "instance.json").write_text(json.dumps(described, indent=2))
        (self.folder / "ports.json").write_text(json.dumps(self._ports, indent=2))

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.base.instance

    @property
    def folder(self) -> Path:
        """Where description, ports, pid files and logs of the instance are."""
        return _folder(self.base)

    @cached_property
    def settings(self) -> Settings:
        """Settings that every process of the instance works with."""
        return self.base.model_copy(update=self._overrides())

    def environment(self) -> dict[str, str]:
        """FOLIO_* variables of the instance, for its processes."""
        given = {"instance": self.name, "state": self.base.state.absolute(), **self._overrides()}
        return {f"FOLIO_{name.upper()}": _as_text(value) for name, value in given.items()}

    def enter(self) -> Settings:
        """Make this process work with the instance's settings, as its services do."""
        os.environ.update(self.environment())
        settings_module.settings.cache_clear()
        return settings_module.settings()

    def _overrides(self) -> dict[str, object]:
        ports, changed = self._ports, dict[str, object]()
        if "api_server" in ports:
            changed["airflow_url"] = f"http://127.0.0.1:{ports['api_server']}"
        if "api" in ports:
            changed["api_url"] = f"http://127.0.0.1:{ports['api']}"
        if "mail" in ports:
            changed |= {"smtp_host": "127.0.0.1", "smtp_port": ports["mail"], "smtp_starttls": False}
        if "sandbox" in ports:
            sandbox = f"http://127.0.0.1:{ports['sandbox']}"
            changed |= {"amfi_url": sandbox, "polygon_url": sandbox, "ecb_url": sandbox, "recorded": True}
            if self.base.polygon_key is None:
                changed["polygon_key"] = SecretStr("sandbox")
        return changed

    # life

    def up(self, progress: Progress = _silent) -> "Instance":
        """Start what is not running and wait until all is healthy; returns the instance with its ports.

        Databases are made and migrated first. ServiceError with the end of the log of a service that fails;
        what already runs is left running.
        """
        with self._lock():
            self._check()
            ready = replace(self, _ports=self._choose_ports())
            ready.save()
            if "postgres" in self.services:
                progress("postgres", "starting")
            postgres.ensure_databases(self.settings)
            warehouse.migrate(postgres.folio_dsn(self.settings))
            if "postgres" in self.services:
                progress("postgres", "ready")
            if set(AIRFLOW_SERVICES) & set(self.services):
                progress("airflow", "preparing its database")
                airflow.migrate(
                    self._airflow_home, postgres.airflow_dsn(self.settings), ready._all_variables()
                )
            processes = ready.processes()
            found_running = []
            for process in processes:
                if process.start():
                    progress(process.name, "starting")
                else:
                    found_running.append(process)
            wait_until_healthy(processes, lambda process: progress(process.name, "ready"), found_running)
            if "api_server" in self.services:
                with ready.client() as client:
                    client.ensure_pool(
                        airflow.EVENT_POOL, 1, "Tasks whose Assets one Dag joins: one event at a time."
                    )
        return ready

    def down(self, progress: Progress = _silent) -> None:
        """Stop the instance's processes within bounded time, and Postgres when no other instance uses it."""
        with self._lock():
            running = [process for process in reversed(self.processes()) if process.pid_file.exists()]
            for process in running:
                progress(process.name, "stopping")
            stop_all(running)
            if self.base.dsn is None and not self._others_running():
                progress("postgres", "stopping")
                postgres.embedded(self.base).stop()

    def status(self) -> list[ServiceStatus]:
        """State of every service; starts nothing."""
        return [self._postgres_status(), *(_status(process) for process in self.processes())]

    def processes(self) -> list[Process]:
        """Processes of the instance besides Postgres; empty before its first start."""
        if not self._ports:
            return []
        return [self._process(name) for name in self.services if name != "postgres"]

    def client(self) -> airflow.AirflowClient:
        """Client of the instance's Airflow."""
        return airflow.AirflowClient(self.settings.airflow_url)

    # inside

    @property
    def _airflow_home(self) -> Path:
        return self.folder / "airflow"

    def _check(self) -> None:
        if unknown := set(self.services) - set(SERVICES):
            raise ServiceError(
                f"No such service: {', '.join(sorted(unknown))}. There are: {', '.join(SERVICES)}."
            )
        if ("sandbox" in self.services) != (self.sandbox_folder is not None):
            raise ServiceError(
                "An instance with the service 'sandbox' needs the folder that it serves, and only such."
            )

    def _postgres_status(self) -> ServiceStatus:
        if self.base.dsn is not None:
            parts = urlsplit(self.base.dsn.get_secret_value())
            return ServiceStatus(
                "postgres", "configured", f"postgresql://{parts.hostname}:{parts.port or 5432}", None, None
            )
        server = postgres.embedded(self.base)
        if (pid := server.pid) is None:
            return ServiceStatus("postgres", "stopped", None, None, None)
        url = f"postgresql://127.0.0.1:{server.port}"
        if server.is_ready():
            return ServiceStatus("postgres", "healthy", url, pid, None)
        return ServiceStatus("postgres", "ailing", url, pid, "does not accept connections")

    def _all_variables(self) -> dict[str, str]:
        """Environment of every process: ours without other Airflow's or Python's, Folio's, Airflow's."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AIRFLOW") and name not in NOT_INHERITED
        }
        own = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",  # parallel are the tasks, not each one's arithmetic
            "GX_ANALYTICS_ENABLED": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        managed = airflow.environment(
            self._airflow_home,
            dags=self.dags,
            database=postgres.airflow_dsn(self.settings),
            port=self._ports.get("api_server", 0),
        )
        return {**inherited, **own, **self.environment(), **managed}

    def _process(self, name: str) -> Process:
        port, python = self._ports.get(name, 0), sys.executable
        url: str | None = f"http://127.0.0.1:{port}" if port else None
        health: Health = _listens(port)
        deadline = 60.0
        if name in airflow.COMMANDS:
            command = airflow.command(*airflow.COMMANDS[name])
            health, deadline = airflow.health_of(name, self.settings.airflow_url), 180.0
        elif name == "sandbox":
            command = (
                python,
                "-m",
                "folio.sources.sandbox",
                "--port",
                str(port),
                "--folder",
                str(self.sandbox_folder),
            )
            command += self.sandbox_arguments
        elif name == "mail":
            mails = str(self.settings.mail_folder.absolute())
            command = (python, "-m", "folio.delivery.mail.catcher", "--port", str(port), "--folder", mails)
            url = f"smtp://127.0.0.1:{port}"
        else:
            command = (
                python,
                "-m",
                "uvicorn",
                "api.main:app",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--no-access-log",
            )
            health = _answers(f"{url}/api/v1/health")
        return Process(
            name, command, self.folder, self._all_variables, ROOT, health=health, deadline=deadline, url=url
        )

    def _choose_ports(self) -> dict[str, int]:
        """Ports kept from the last start where they are free or ours, else preferred or new ones."""
        kept, ports = _read_ports(self.base), dict[str, int]()
        preferred = {
            "api_server": urlsplit(self.base.airflow_url).port,
            "api": urlsplit(self.base.api_url).port,
            "mail": self.base.smtp_port,
        }
        for name in ("sandbox", "mail", "api_server", "api"):
            if name not in self.services:
                continue
            running = name in kept and replace(self, _ports=kept)._process(name).pid is not None
            wanted = kept.get(name) or preferred.get(name)
            taken = set(ports.values())
            ports[name] = (
                wanted
                if wanted and wanted not in taken and (running or _is_free(wanted))
                else postgres.free_port()
            )
        return ports

    def _others_running(self) -> bool:
        others = {path.parent for path in self.base.state.glob("*/instance.json")} - {self.folder}
        names = [path.name for path in others]
        instances = [Instance.load(self.base.model_copy(update={"instance": name})) for name in names]
        return any(process.pid for other in instances for process in other.processes())

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def as_json(status: ServiceStatus) -> dict[str, object]:
    """Give a status as plain values."""
    return asdict(status)


def _folder(base: Settings) -> Path:
    return base.state.absolute() / base.instance


def _read_ports(base: Settings) -> dict[str, int]:
    try:
        return dict(json.loads((_folder(base) / "ports.json").read_text()))
    except FileNotFoundError:
        return {}


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _status(process: Process) -> ServiceStatus:
    pid, ailment = process.pid, process.ailment()
    if pid is None:
        return ServiceStatus(
            process.name, "stopped", process.url, None, None if ailment == "not started" else ailment
        )
    return ServiceStatus(process.name, "ailing" if ailment else "healthy", process.url, pid, ailment)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listens(port: int) -> Health:
    def check(_: float) -> str | None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError as error:
            return f"port {port} does not answer ({error.strerror or error})"
        return None

    return check


def _answers(url: str) -> Health:
    def check(_: float) -> str | None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(url, timeout=5)
        except requests.RequestException as error:
            return f"{url} does not answer ({type(error).__name__})"
        return None if answer.ok else f"{url} answers {answer.status_code}"

    return check
