"""Real database servers for the tests, each in a private folder on a private socket, as an ordinary user.

All workers of a test run share a server: the first one that needs it starts it, and the last one to end stops it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

SLOW = 120.0  # seconds in which a server starts on a machine that is busy


class DatabaseServer(ABC):
    """A server in a folder of its own.

    Args:
        folder: Where everything of it is. Created if it is missing.
    """

    name = ""
    ready = ""  # what its log says when it has started
    end = signal.SIGKILL  # what ends it at once: nothing in it is needed any more
    user = ""  # who runs it if the tests run as root, which these servers refuse

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket_folder = folder / "socket"

    @classmethod
    @abstractmethod
    def missing(cls) -> str:
        """Return what is not installed. Empty if all is there."""

    @abstractmethod
    def start(self) -> int:
        """Start the server, and return its process."""

    @abstractmethod
    def run(self, sql: str, database: str = "") -> None:
        """Run SQL as the administrator."""

    @abstractmethod
    def address(self, database: str, user: str = "", password: str = "") -> str:
        """Return the address of a database for pvtop."""

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Use the server, which runs as long as anybody uses it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        users = self.folder / "users"
        with _locked(self.folder / "lock"):
            if not users.exists():
                process = self.start()
                users.write_text(f"{process} 0")
            _count(users, 1)
        try:
            yield
        finally:
            with _locked(self.folder / "lock"):
                process, left = _count(users, -1)
                if not left:
                    users.unlink()
                    _end(process, self.end)
                    for folder in ("data", "socket"):
                        shutil.rmtree(self.folder / folder, ignore_errors=True)

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Make an empty database, and yield its address."""
        self.run(f"CREATE DATABASE {name}")
        yield self.address(name)
        self.run(f"DROP DATABASE {name}")

    def as_user(self) -> dict[str, str | list[str]]:
        """Return the arguments that start a process as the user of the server."""
        return {} if os.geteuid() else {"user": self.user, "group": self.user, "extra_groups": []}

    def call(self, command: Sequence[str | Path | None]) -> None:
        """Run a program to its end. If it fails, show what it said."""
        done = subprocess.run(command, check=False, capture_output=True, text=True, **self.as_user())  # type: ignore[call-overload]
        assert not done.returncode, done.stdout + done.stderr

    def start_program(self, command: Sequence[str | Path]) -> int:
        """Start a program that outlives this process, and wait until it is ready. Return its process."""
        log = self.folder / "log"
        in_background = ["sh", "-c", '"$@" >"$0" 2>&1 & echo $!', log, *command]
        started = subprocess.run(in_background, check=True, stdout=subprocess.PIPE, **self.as_user())  # type: ignore[call-overload]
        process, until = int(started.stdout), time.monotonic() + SLOW
        while self.ready not in (text := log.read_text(errors="replace")):
            assert time.monotonic() < until, text
            assert Path(f"/proc/{process}").exists() or sys.platform != "linux", text
            time.sleep(0.05)
        return process

    def make_folders(self) -> None:
        """Make the folders of the server, which belong to its user."""
        for folder in (self.folder, self.socket_folder):
            folder.mkdir(exist_ok=True)
            if not os.geteuid():
                shutil.chown(folder, self.user, self.user)

    @property
    def certificate(self) -> Path:
        """The file with the certificate of the server and its key."""
        return self.folder / "certificate.pem"

    def make_certificate(self) -> None:
        """Make the certificate, which only the user of the server may read."""
        from support.server.loopback import self_signed_certificate

        self_signed_certificate(self.folder)
        self.certificate.chmod(0o600)
        if not os.geteuid():
            shutil.chown(self.certificate, self.user, self.user)


class PostgreSQLServer(DatabaseServer):
    """PostgreSQL."""

    name = "postgresql"
    ready = "ready to accept connections"
    end = signal.SIGQUIT  # after SIGKILL, its shared memory would stay
    user = "postgres"

    @classmethod
    def missing(cls) -> str:
        """Return what is not installed."""
        return "" if _postgresql_programs() and _has_user(cls.user) else "PostgreSQL (apt-get install postgresql)"

    def start(self) -> int:
        """Make a cluster, start its server, and wait for it."""
        self.make_folders()
        self.make_certificate()
        programs = _postgresql_programs() or Path()
        data = self.folder / "data"
        self.call(
            [programs / "initdb", "-D", data, "-U", "pvtop", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        )
        options = {
            "fsync": "off", "listen_addresses": "127.0.0.1", "port": str(_free_port()), "full_page_writes": "off",
            "unix_socket_directories": str(self.socket_folder), "max_connections": "50", "autovacuum": "off",
            "ssl": "on", "ssl_cert_file": str(self.certificate), "ssl_key_file": str(self.certificate),
        }  # fmt: skip
        (data / "postgresql.auto.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in options.items()))
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        (self.folder / "port").write_text(options["port"])
        return self.start_program([programs / "postgres", "-D", data])

    def run(self, sql: str, database: str = "") -> None:
        """Run SQL as the administrator."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_folder), port=self._port, user="pvtop", dbname=database or "postgres", autocommit=True
        ) as connection:
            connection.execute(sql)

    def address(self, database: str, user: str = "", password: str = "") -> str:
        """Return the address of a database: by the socket, or by the port with a password."""
        if password:
            return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://pvtop@/{database}?host={self.socket_folder}&port={self._port}"

    @property
    def _port(self) -> int:
        return int((self.folder / "port").read_text())


class MariaDBServer(DatabaseServer):
    """MariaDB."""

    name = "mariadb"
    ready = "ready for connections"
    user = "mysql"

    @classmethod
    def missing(cls) -> str:
        """Return what is not installed."""
        found = _program("mariadbd") and _program("mariadb-install-db") and _has_user(cls.user)
        return "" if found else "MariaDB (apt-get install mariadb-server)"

    def start(self) -> int:
        """Make a data folder, start its server, and wait for it."""
        self.make_folders()
        self.make_certificate()
        data = self.folder / "data"
        common = [
            "--no-defaults",
            f"--datadir={data}",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-log-file-size=50M",
        ]
        common += ["--innodb-flush-method=nosync", "--innodb-buffer-pool-size=128M"]
        install = [
            _program("mariadb-install-db"),
            *common,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]
        self.call(install)
        port = _free_port()
        (self.folder / "port").write_text(str(port))
        options = [
            f"--socket={self._socket}", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            f"--pid-file={self.folder}/pid", "--plugin-load-add=", "--character-set-server=latin1",
            f"--ssl-cert={self.certificate}", f"--ssl-key={self.certificate}",
        ]  # fmt: skip
        return self.start_program([_program("mariadbd") or "", *common, *options])

    def run(self, sql: str, database: str = "") -> None:
        """Run SQL as the administrator."""
        import pymysql

        with (
            contextlib.closing(
                pymysql.connect(unix_socket=self._socket, user="root", database=database or None, autocommit=True)
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)

    def address(self, database: str, user: str = "", password: str = "") -> str:
        """Return the address of a database: by the socket, or by the port with a password."""
        if password:
            port = (self.folder / "port").read_text()
            return f"mysql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"
        return f"mariadb://root@localhost/{database}?unix_socket={self._socket}"

    @property
    def _socket(self) -> str:
        return str(self.socket_folder / "s")


def server_folder(name: str) -> Path:
    """Return the folder of a server that all workers of this test run share. Its path is short, as sockets need."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    root = Path(tempfile.gettempdir(), f"pvtop-{run[:12]}")
    root.mkdir(exist_ok=True)
    root.chmod(0o755)
    return root / name


def _postgresql_programs() -> Path | None:
    """Return the newest folder with the programs of PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _has_user(name: str) -> bool:
    """Return whether a server can be run: by an ordinary user, or by the one with this name."""
    try:
        return bool(os.geteuid() or pwd.getpwnam(name))
    except KeyError:
        return False


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _count(users: Path, more: int) -> tuple[int, int]:
    """Change the number of users of a server. Return its process, and how many use it now."""
    process, count = map(int, users.read_text().split())
    users.write_text(f"{process} {count + more}")
    return process, count + more


def _end(process: int, by: signal.Signals) -> None:
    """End a server by a signal, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, by)
        until = time.monotonic() + SLOW
        while time.monotonic() < until and not _is_zombie(process):
            os.kill(process, 0)
            time.sleep(0.02)


def _is_zombie(process: int) -> bool:
    """Return whether a process has ended, but whoever inherited it has not asked for its exit code."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return False
