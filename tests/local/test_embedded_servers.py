"""PostgreSQL and Valkey from their wheels: as root, as a normal user, and after being killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from novacron.embedded import account
from novacron.embedded.account import Account, can_enter, reachable_program, server_account
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port, start_time
from novacron.embedded.valkey import EmbeddedValkey
from novacron_local.databases import ServiceDatabase, create_databases

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: sudo make test")

NOBODY = 65534

# Both servers, one after the other, and a question to each.
BOTH = """
import sys, pathlib, psycopg
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.embedded.valkey import EmbeddedValkey
directory = pathlib.Path(sys.argv[1])
with EmbeddedPostgres(directory / "postgres", free_port()).running() as postgres:
    with psycopg.connect(postgres.url()) as connection:
        print(connection.execute("SHOW server_version_num").fetchone()[0])
with EmbeddedValkey(directory / "valkey", free_port()).running() as valkey:
    print(valkey.is_ready())
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One running PostgreSQL for the tests that only ask it things."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("pg") / "postgres", free_port())
    with postgres.running():
        yield postgres
    postgres.remove()


@pytest.fixture
def elsewhere(open_directory, monkeypatch):
    """In the place of /var/lib/novacron."""
    path = open_directory / "elsewhere"
    monkeypatch.setattr(account, "ELSEWHERE", path)
    return path


def test_postgresql_18_runs_with_durability_and_statistics(cluster):
    with psycopg.connect(cluster.url()) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("server_version_num", "fsync", "synchronous_commit", "shared_preload_libraries", "TimeZone")
        }
    assert shown.pop("server_version_num").startswith("18")
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_preload_libraries": "pg_stat_statements",
        "TimeZone": "UTC",
    }


def test_nobody_gets_into_postgresql_without_the_password(cluster):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(cluster.url(password="wrong"))
    assert stat.S_IMODE((cluster.home / "superuser-password").stat().st_mode) == 0o600


def test_postgresql_listens_on_a_unix_socket_whatever_the_length_of_its_path(open_directory):
    deep = open_directory / "/".join(["a-rather-long-name"] * 6) / "postgres"
    postgres = EmbeddedPostgres(deep, free_port())
    with postgres.running():
        assert (postgres.socket_directory / f".s.PGSQL.{postgres.port}").is_socket()
    directory = postgres.socket_directory
    postgres.remove()
    assert not directory.exists()


def test_a_cluster_keeps_its_rows_from_one_run_to_the_next(open_directory):
    postgres = EmbeddedPostgres(open_directory / "postgres", free_port())
    with postgres.running(), psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with (
        EmbeddedPostgres(open_directory / "postgres", free_port()).running() as again,
        psycopg.connect(again.url()) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_killed_postgresql_starts_again_over_the_lock_it_left(open_directory, until):
    postgres = EmbeddedPostgres(open_directory / "postgres", free_port())
    with postgres.running():
        pid = postgres.running_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: start_time(pid) is None)
    lock = postgres.data_directory / "postmaster.pid"
    # The worst case: the number in the lock is that of a living process of the same account.
    bystander = subprocess.Popen(["sleep", "600"], user=postgres.account.uid if postgres.account else None)
    try:
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        with postgres.running():
            assert postgres.is_ready()
    finally:
        bystander.kill()
        bystander.wait()


def test_an_initdb_that_was_interrupted_is_begun_anew(open_directory):
    directory = open_directory / "postgres"
    (directory / "data.unfinished" / "base").mkdir(parents=True)
    with EmbeddedPostgres(directory, free_port()).running() as postgres:
        assert postgres.is_ready()


def test_the_lock_of_a_living_server_is_left_alone(cluster):
    cluster.clear_stale_lock()
    assert cluster.running_pid() is not None
    assert (cluster.data_directory / "postmaster.pid").exists()


def test_valkey_wants_its_password_and_writes_nothing(open_directory):
    with EmbeddedValkey(open_directory / "valkey", free_port()).running() as valkey:
        with Redis.from_url(valkey.url()) as client:
            assert client.set("key", "value")
            assert client.config_get("appendonly", "save") == {"appendonly": "no", "save": ""}
        with Redis(port=valkey.port) as stranger, pytest.raises(Exception, match="authenticated"):
            stranger.ping()
    assert sorted(path.name for path in (open_directory / "valkey").iterdir()) == ["password", "valkey.conf"]


@as_root
def test_root_runs_both_servers_as_an_account_of_their_own(open_directory):
    postgres = EmbeddedPostgres(open_directory / "postgres", free_port())
    with postgres.running():
        pid = postgres.running_pid()
        assert Path(f"/proc/{pid}").stat().st_uid == server_account().uid != 0


@as_root
def test_a_directory_the_account_cannot_reach_is_linked_to_one_it_can(tmp_path, elsewhere):
    tmp_path.chmod(0o700)
    postgres = EmbeddedPostgres(tmp_path / "postgres", free_port())
    with postgres.running():
        assert postgres.home.parent == elsewhere
        assert (tmp_path / "postgres").is_symlink()
    postgres.remove()
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "postgres").is_symlink()


@as_root
def test_what_a_deleted_data_directory_left_elsewhere_is_not_taken_up(tmp_path, elsewhere):
    tmp_path.chmod(0o700)
    first = EmbeddedPostgres(tmp_path / "postgres", free_port())
    first.prepare()
    (tmp_path / "postgres").unlink()  # as rm -rf does
    second = EmbeddedPostgres(tmp_path / "postgres", free_port())
    second.prepare()
    assert second.url().split("@")[0] != first.url().split("@")[0]


@as_root
def test_programs_below_a_private_directory_are_copied_to_where_the_account_can_run_them(tmp_path, elsewhere):
    tmp_path.chmod(0o700)
    tree = tmp_path / "wheel"
    tree.mkdir()
    (tree / "program").write_text("#!/bin/sh\n")
    copy = reachable_program([tree], server_account())
    assert copy.parent.parent == elsewhere
    assert can_enter(server_account(), copy / "wheel")
    assert reachable_program([tree], server_account()) == copy  # made once


@as_root
def test_a_normal_user_runs_both_servers(open_directory):
    os.chown(open_directory, NOBODY, NOBODY)
    done = as_normal_user(BOTH, open_directory / "data")
    assert done.returncode == 0, done.stderr
    version, valkey_ready = done.stdout.split()
    assert version.startswith("18")
    assert valkey_ready == "True"


@as_root
def test_another_users_cluster_is_refused_with_a_way_out(open_directory):
    (open_directory / "postgres").mkdir(mode=0o700)
    done = as_normal_user(BOTH, open_directory)
    assert "belongs to another user: choose another data directory" in done.stderr


def test_each_role_opens_its_own_database_and_no_other(cluster):
    databases = {name: ServiceDatabase(f"t_{name}", f"secret-{name}") for name in ("one", "two")}
    create_databases(cluster.url(), databases)
    create_databases(cluster.url(), databases)  # as every start does
    with psycopg.connect(cluster.url("t_one", "t_one", "secret-one")) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    for other in ("t_two", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(cluster.url(other, "t_one", "secret-one"))


def test_a_password_never_stands_in_the_servers_statistics(cluster):
    create_databases(cluster.url(), {"it": ServiceDatabase("t_hidden", "canary-3f9a")})
    with psycopg.connect(cluster.url("t_hidden")) as connection:
        rows = connection.execute("SELECT query FROM pg_stat_statements").fetchall()
    assert any("t_hidden" in query for (query,) in rows)
    assert not any("canary-3f9a" in query for (query,) in rows)


def test_a_new_password_takes_effect_at_the_next_start(cluster):
    create_databases(cluster.url(), {"it": ServiceDatabase("t_rotated", "first")})
    create_databases(cluster.url(), {"it": ServiceDatabase("t_rotated", "second")})
    psycopg.connect(cluster.url("t_rotated", "t_rotated", "second")).close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url("t_rotated", "t_rotated", "first"))


def as_normal_user(program: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python program as an account without any rights, with an interpreter that it can execute."""
    version = f"python3.{sys.version_info.minor}"
    nobody = Account("nobody", NOBODY, NOBODY)
    interpreters = [Path(sys.executable).resolve(), Path("/usr/bin") / version]
    found = [path for path in interpreters if path.exists() and can_enter(nobody, path.parent)]
    if not found:
        pytest.skip(f"no interpreter that a normal user can run: apt-get install {version}")
    return subprocess.run(
        [str(found[0]), "-c", program, *map(str, arguments)],
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
