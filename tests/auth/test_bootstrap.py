"""The whole service as it starts: an empty database, several replicas, a first user who can log in."""

import asyncio
import base64
import os
from contextlib import asynccontextmanager

import grpc
import pytest

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    AuthServiceStub,
    GetJwksRequest,
    GetUserPermissionsRequest,
    LoginRequest,
)
from novacron.embedded.process import free_port
from novacron.errors import Unauthenticated
from novacron.rpc import Channel
from novacron.settings import SettingsError
from novacron.testing.patience import eventually
from novacron_auth.__main__ import serve
from novacron_auth.settings import AuthSettings


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "admin-password"
    path.write_text("opensesame-42\n")
    return path


@pytest.fixture
def settings(tmp_path, new_database_url, ca, password_file, valkey):
    """Settings of one replica after another, on one database that nothing has touched."""
    url = new_database_url()
    issued = ca.identity("auth")
    key_file = tmp_path / "auth.key"
    key_file.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")

    def make(**changes):
        values = {
            "environment": "testing",
            "database_url": url,
            "redis_url": valkey.url(),
            "listen": f"127.0.0.1:{free_port()}",
            "mesh_listen": f"127.0.0.1:{free_port()}",
            "tls_ca": issued.ca,
            "tls_cert": issued.certificate,
            "tls_key": issued.key,
            "key_file": key_file,
            "bootstrap_admin_password_file": password_file,
            "registry_address": f"127.0.0.1:{free_port()}",
            "drain_seconds": 0.0,
        }
        return AuthSettings(**{**values, **changes})

    return make


@asynccontextmanager
async def running(*replicas):
    """These replicas, all listening, until the block ends."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(serve(settings, stopping)) for settings in replicas]
    try:
        for settings in replicas:
            await eventually(lambda at=settings.listen: listening(at), within=30)
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def listening(address):
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()
    return True


def users_port(settings, identify):
    return Channel("auth", settings.listen, grpc.ssl_channel_credentials(identify("operator").ca))


async def test_replicas_that_start_at_once_make_one_admin_whose_token_all_of_them_take(settings, identify):
    replicas = [settings() for _ in range(3)]
    async with (
        running(*replicas),
        users_port(replicas[0], identify) as first,
        users_port(replicas[2], identify) as last,
    ):
        request = LoginRequest(username="admin", password="opensesame-42")
        login = await AuthServiceStub(first).Login(request)
        assert login.user.role == USER_ROLE_ADMIN
        asked = GetUserPermissionsRequest(user_id=login.user.user_id)
        metadata = (("authorization", f"Bearer {login.access_token}"),)
        answer = await AuthServiceStub(last).GetUserPermissions(asked, metadata=metadata)
        assert list(answer.permissions) == ["*:*"]
        keys = [await AuthServiceStub(channel).GetJwks(GetJwksRequest()) for channel in (first, last)]
        assert keys[0] == keys[1]
        assert len(keys[0].keys) == 2  # the one that signs, and the one that will


async def test_a_restart_keeps_the_admins_password_and_the_keys_even_without_the_file(
    settings, identify, password_file
):
    first, second = settings(), settings(bootstrap_admin_password_file=None)
    async with running(first), users_port(first, identify) as channel:
        request = LoginRequest(username="admin", password="opensesame-42")
        token = (await AuthServiceStub(channel).Login(request)).access_token
    password_file.write_text("another password\n")
    async with running(second), users_port(second, identify) as channel:
        stub = AuthServiceStub(channel)
        answer = await stub.Login(request)
        asked = GetUserPermissionsRequest(user_id=answer.user.user_id)
        await stub.GetUserPermissions(asked, metadata=(("authorization", f"Bearer {token}"),))
        with pytest.raises(Unauthenticated):
            await stub.Login(LoginRequest(username="admin", password="another password"))


async def test_without_a_password_file_an_empty_service_starts_and_nobody_can_log_in(auth):
    await auth.bootstrap.ensure_first_user(None)
    assert await auth.execute("SELECT id FROM users") == []
    with pytest.raises(Unauthenticated):
        await auth.login("admin", "admin")


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (None, "cannot read .*: No such file"),
        (b"", "holds no password of 8 to 1024 characters"),
        (b"\n", "holds no password"),
        (b"short\n", "holds no password"),
        (b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe", "it is not UTF-8"),
    ],
)
async def test_a_bad_password_file_stops_the_start_with_its_variable_and_makes_nobody(auth, tmp_path, contents, said):
    path = tmp_path / "password"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(SettingsError, match=f"NOVACRON_BOOTSTRAP_ADMIN_PASSWORD_FILE: .*{said}"):
        await auth.bootstrap.ensure_first_user(path)
    assert await auth.execute("SELECT id FROM users") == []


async def test_bootstrapping_many_times_at_once_makes_one_user_and_one_audit_entry(auth, password_file):
    await asyncio.gather(*(auth.bootstrap.ensure_first_user(password_file) for _ in range(10)))
    assert await auth.execute("SELECT username, email, role FROM users") == [("admin", "admin@localhost", "admin")]
    assert await auth.execute("SELECT action, success FROM auth_audit_log") == [("user.bootstrap", True)]
    await auth.login("admin", "opensesame-42")


async def test_any_user_at_all_is_enough_for_no_admin_to_be_made(auth, password_file):
    await auth.user("somebody", tenant="elsewhere")
    await auth.bootstrap.ensure_first_user(password_file)
    assert await auth.execute("SELECT username FROM users") == [("somebody",)]
