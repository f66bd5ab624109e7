"""The embedded PostgreSQL survives what people and machines do to it."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from referral_factory import embedded
from referral_factory.embedded import EmbeddedError, Server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server that has never been started."""
    server = Server(tmp_path / "var")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def server(state: Path) -> Iterator[Server]:
    """A server that is down, and may have been up before."""
    server = Server(state)
    yield server
    server.stop()


def ask(server: Server, query: str) -> object:
    with psycopg.connect(server.conninfo()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def wait_until_gone(server: Server) -> None:
    deadline = time.monotonic() + 10
    while server.is_running():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_starts_once_and_stops_once(server: Server) -> None:
    assert [server.start(), server.start()] == [True, False]
    assert server.is_running()
    assert [server.stop(), server.stop()] == [True, False]
    assert not server.is_running()


def test_it_keeps_its_promises_to_the_disk(server: Server) -> None:
    server.start()
    for setting in ["fsync", "synchronous_commit", "full_page_writes"]:
        assert ask(server, f"SHOW {setting}") == "on"


def test_it_listens_on_no_port(server: Server) -> None:
    server.start()
    assert ask(server, "SHOW listen_addresses") == ""


def test_processes_that_start_it_together_share_one(fresh: Server) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: Server(fresh.state).start(), range(4)))
    assert sorted(started) == [False, False, False, True]


def test_it_comes_back_after_its_postmaster_was_killed(server: Server) -> None:
    server.start()
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.start()
    assert ask(server, "SELECT answer FROM kept") == 42


def test_a_stale_process_id_of_somebody_else_is_not_believed(server: Server) -> None:
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    assert server.pid() is None
    assert not server.stop()  # above all, it does not stop us
    assert server.start()


def test_an_initdb_that_was_killed_leaves_no_half(fresh: Server) -> None:
    half = fresh.state / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert fresh.start()


def test_the_last_to_leave_stops_it(server: Server) -> None:
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(server.in_use())
        second.enter_context(server.in_use())
        first.close()
        assert server.is_running()
    assert not server.is_running()


def test_a_user_who_fails_leaves_too(server: Server) -> None:
    with pytest.raises(KeyboardInterrupt), server.in_use():
        raise KeyboardInterrupt
    assert not server.is_running()


def test_a_user_who_was_killed_is_not_counted(server: Server) -> None:
    use = (
        "import sys, time; from pathlib import Path; "
        "from referral_factory.embedded import Server\n"
        "with Server(Path(sys.argv[1])).in_use():\n"
        "    print('up', flush=True); time.sleep(99)"
    )
    with (
        server.in_use(),
        subprocess.Popen(
            [sys.executable, "-c", use, server.state], stdout=subprocess.PIPE
        ) as user,
    ):
        assert user.stdout is not None
        assert user.stdout.readline() == b"up\n"
        user.kill()
    assert not server.is_running()


def test_started_to_stay_it_outlives_its_users(server: Server) -> None:
    server.start(keep=True)
    with server.in_use():
        pass
    assert server.is_running()
    server.stop()
    with server.in_use():
        pass
    assert not server.is_running()


def test_folders_above_stay_as_closed_as_they_were(fresh: Server) -> None:
    closed = fresh.state.parent
    closed.chmod(0o700)
    fresh.start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(fresh.state.stat().st_mode) == 0o700
    assert ask(fresh, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    server = Server(tmp_path / ("long" * 30) / "var")
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
    finally:
        server.stop()
        server.sockets.rmdir()


def test_data_of_another_version_is_not_opened(fresh: Server) -> None:
    fresh.data.mkdir(parents=True)
    (fresh.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL 16"):
        fresh.start()


def test_somebody_elses_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        embedded.own_folder(tmp_path)


def test_importing_settings_starts_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "STATE_DIR": str(tmp_path / "var")}
    environment.pop("SECRET_KEY", None)
    environment.pop("DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-c", "import referral_factory.settings"],
        env=environment,
        check=True,
    )
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "var/secret_key").stat().st_mode) == 0o600
