"""What authentication costs, and how long something that was taken away still works.

``ValidateToken`` with mTLS and the whole server chain beside a bare echo of the same sizes, with the same certificates,
deadline and metadata, in the same process, batch after batch in turn: the processor time of that process for each. That process
hears invalidations over Redis, as in life, so its caches are warm. A token's check at another service's door, warm. A login
beside Argon2id alone. Keystone from PyPI in the same run: processor time of its process for a validation, warm, and an issue.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import redis.asyncio as redis_client

from novacron import logs
from novacron.api.auth.v1 import AuthServiceStub, LoginRequest, LoginResponse, ValidateTokenRequest
from novacron.cache import InvalidationBus, TieredCache
from novacron.db import Database
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.embedded.valkey import EmbeddedValkey
from novacron.rpc import Channel, Identification
from novacron.rpc.authentication import AuthClient
from novacron.rpc.call import ServerCall
from novacron.rpc.identity import IdentityStage
from novacron.rpc.policy import policy_of
from novacron.sealing import KeyRing
from novacron.settings import ProcessSettings
from novacron.testing.databases import Databases
from novacron.testing.servers import ENVIRONMENT, Servers
from novacron_auth.house import House
from novacron_auth.users.account import Role
from novacron_auth.users.passwords import Passwords
from novacron_local.certificates import DevelopmentCA

from ..auth.conftest import MIGRATIONS, PASSWORD, SETTINGS, Auth
from ..auth.revocation import everywhere, measure
from . import keystone
from .report import Report

_ECHO = "/bench.Echo/Echo"
# What every call of a service to another carries.
_METADATA = (("x-request-id", "01890a5d-ac96-774b-bcce-b302099a8057"),)
_CHECKED = "/novacron.api.vm.v1.VmService/GetVm"


class RealAuth(Auth):
    """The service with the passwords that it has in life: Argon2id at its defaults."""

    def __init__(self, database: Database, redis: redis_client.Redis) -> None:
        self.database, self.servers, self.server = database, None, None
        self.bus = InvalidationBus(redis, ())
        ring, passwords = KeyRing((os.urandom(32),)), Passwords.from_settings(SETTINGS)
        House.__init__(self, SETTINGS, database, ring, passwords, self.bus, redis)


def _identify(directory: str) -> Callable[[str], Identification]:
    authority = DevelopmentCA(Path(directory), ENVIRONMENT)

    @cache
    def identify(service: str) -> Identification:
        issued = authority.identity(service)
        return Identification.read(issued.ca, issued.certificate, issued.key)

    return identify


def _serve(directory: str, url: str, redis_url: str, pipe: Connection) -> None:
    """Auth, and a bare echo beside it: answers ``cpu``, ``argon2``, ``echo SIZE`` over the pipe until ``stop``."""

    async def serve() -> None:
        logs.configure(ProcessSettings(log_level="ERROR"), "bench")
        identify = _identify(directory)
        database, servers = Database(url), Servers(identify)
        await database.open()
        redis = redis_client.Redis.from_url(redis_url)
        auth = RealAuth(database, redis)
        await auth.bus.start()
        await auth.bus.connected.wait()
        await auth.secret_keys.ensure()
        await auth.serve(servers)
        await auth.user("alice", Role.USER)
        hashed = await auth.passwords.hash(PASSWORD)
        answer = b""

        async def echo(request: bytes, context: Any) -> bytes:
            return answer

        bare = grpc.aio.server()
        handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
        bare.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
        port = bare.add_secure_port("127.0.0.1:0", identify("auth").mesh_port())
        await bare.start()
        # As every process of ours does when it has started.
        gc.freeze()
        pipe.send((port, auth.server.port, auth.server.mesh_port))
        while (command := await asyncio.to_thread(pipe.recv)) != "stop":
            if command.startswith("echo"):
                answer = b"x" * int(command.split()[1])
            if command == "argon2":
                await auth.passwords.verify(hashed, PASSWORD)
            pipe.send(time.process_time())
        await bare.stop(0)
        await servers.close()
        await auth.bus.stop()
        await redis.aclose()
        auth.passwords.close()
        await database.close()

    asyncio.run(serve())


class Served:
    """The process with both servers, from outside."""

    def __init__(self, pipe: Connection, ports: tuple[int, int, int]) -> None:
        self._pipe = pipe
        self.bare, self.users, self.mesh = ports

    async def ask(self, command: str) -> float:
        """The processor seconds that the process has used when it has done this."""
        self._pipe.send(command)
        return float(await asyncio.to_thread(self._pipe.recv))

    async def cpu(self, work: Callable[[], Awaitable[Any]], times: int) -> float:
        """Processor seconds of the servers' process for each of so many calls, one after the other, and one before."""
        await work()
        before = await self.ask("cpu")
        for _ in range(times):
            await work()
        return (await self.ask("cpu") - before) / times


@asynccontextmanager
async def _served(directory: str, url: str, redis_url: str) -> AsyncIterator[Served]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(directory, url, redis_url, theirs), daemon=True)
    process.start()
    try:
        yield Served(ours, await asyncio.to_thread(ours.recv))
    finally:
        ours.send("stop")
        await asyncio.to_thread(process.join, 10)
        process.kill()


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="ERROR"), "bench")
    with tempfile.TemporaryDirectory(prefix="novacron-bench-") as directory:
        postgres = EmbeddedPostgres(Path(directory) / "postgres", free_port())
        valkey = EmbeddedValkey(Path(directory) / "valkey", free_port())
        postgres.prepare()
        valkey.prepare()
        try:
            with postgres.running(), valkey.running():
                report = await _measure(directory, Databases(postgres), valkey, quick)
        finally:
            valkey.remove()
            postgres.remove()
    report.write()
    return report


async def _measure(directory: str, databases: Databases, valkey: EmbeddedValkey, quick: bool) -> Report:
    url = await asyncio.to_thread(databases.create, MIGRATIONS)
    async with _served(directory, url, valkey.url()) as served:
        validate, echo, bare_of_logins = await _calls(directory, served, quick)
        # A task of its own: the check restricts the task that it is made in to its caller's tenant.
        check = await asyncio.create_task(_check(directory, served, 5 if quick else 60))
    login, argon2 = bare_of_logins
    peer = await keystone.measure(databases, quick=quick)
    up = await _revocation(directory, databases, valkey, 1 if quick else 5)
    down = await _revocation(directory, databases, None, 1 if quick else 5)
    return Report(
        "auth",
        figures={
            "validate_cpu_us": validate * 1e6,
            "interceptor_check_us": check * 1e6,
            "login_cpu_ms": login * 1e3,
            "argon2_cpu_ms": argon2 * 1e3,
            "login_beside_argon2_ms": (login - argon2) * 1e3,
            "revocation_s": up,
            "revocation_without_redis_s": down,
        },
        floor={"echo_cpu_us": echo * 1e6},
        peer=peer,
        ratios={
            "validate_over_echo": validate / echo,
            "login_over_argon2": login / argon2,
            "validate_over_keystone": validate * 1e3 / peer["keystone_validate_cpu_ms"],
        },
    )


async def _calls(directory: str, served: Served, quick: bool) -> tuple[float, float, tuple[float, float]]:
    """CPU seconds of a validation, of an echo, and of a login and the hash in it: medians over batches in turn."""
    identify = _identify(directory)
    options = (("grpc.ssl_target_name_override", "localhost"),)
    async with (
        grpc.aio.secure_channel(f"127.0.0.1:{served.bare}", identify("vm").client(), options) as bare,
        grpc.aio.secure_channel(f"127.0.0.1:{served.mesh}", identify("vm").client(), options) as mesh,
        grpc.aio.secure_channel(
            f"localhost:{served.users}", grpc.ssl_channel_credentials(identify("operator").ca)
        ) as users,
    ):
        wanted = LoginRequest(username="alice", password=PASSWORD)

        async def log_in() -> LoginResponse:
            answer: LoginResponse = await AuthServiceStub(users).Login(wanted)
            return answer

        request = ValidateTokenRequest(access_token=(await log_in()).access_token)
        answer = await AuthServiceStub(mesh).ValidateToken(request)
        await served.ask(f"echo {answer.ByteSize()}")
        sent, call, ask = request.SerializeToString(), bare.unary_unary(_ECHO), AuthServiceStub(mesh).ValidateToken
        validated: list[float] = []
        echoed: list[float] = []
        logins, hashes = [], []
        turns = [
            (validated, lambda: ask(request, timeout=5, metadata=_METADATA)),
            (echoed, lambda: call(sent, timeout=5, metadata=_METADATA)),
        ]
        for _ in range(4 if quick else 80):
            for times, work in turns:
                times.append(await served.cpu(work, 50))
            turns.reverse()
        for _ in range(2 if quick else 12):
            logins.append(await served.cpu(log_in, 3))
            hashes.append(await served.cpu(lambda: served.ask("argon2"), 3))
    # The first batches are cold.
    medians = [statistics.median(times[1:]) for times in (validated, echoed, logins, hashes)]
    return medians[0], medians[1], (medians[2], medians[3])


async def _check(directory: str, served: Served, rounds: int) -> float:
    """Seconds of this thread for a token's check at the door of a service, everything in its caches."""
    identify = _identify(directory)
    address = f"localhost:{served.mesh}"
    async with Channel(address, address, identify("vm").client()) as mesh, _user(identify, served) as users:
        token = (await AuthServiceStub(users).Login(LoginRequest(username="alice", password=PASSWORD))).access_token
        stage = IdentityStage(AuthClient(mesh, TieredCache("permissions", ttl_seconds=60)), ENVIRONMENT)
        context = SimpleNamespace(peer_identity_key=lambda: None)
        metadata = {"authorization": f"Bearer {token}"}
        call = ServerCall(_CHECKED, policy_of(_CHECKED), metadata, context)

        async def handler(call: ServerCall) -> None:
            return None

        took = []
        for _ in range(rounds + 1):
            began = time.thread_time()
            for _ in range(200):
                await stage.server_stage(call, handler)
            took.append((time.thread_time() - began) / 200)
        return statistics.median(took[1:])


@asynccontextmanager
async def _user(identify: Callable[[str], Identification], served: Served) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(identify("operator").ca)
    async with grpc.aio.secure_channel(f"localhost:{served.users}", credentials) as channel:
        yield channel


async def _revocation(directory: str, databases: Databases, valkey: EmbeddedValkey | None, rounds: int) -> float:
    """The longest that anything worked on after it was taken away, at any replica; without Redis where none is given."""
    redis = redis_client.Redis.from_url(valkey.url()) if valkey else None
    database, servers = Database(await asyncio.to_thread(databases.create, MIGRATIONS)), Servers(_identify(directory))
    await database.open()
    # To a bus without Redis nothing is trusted: a cache hears of nothing, and asks again each second.
    nowhere = redis_client.Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", socket_connect_timeout=0.2)
    auth = Auth(database, redis or nowhere)
    try:
        await auth.serve(servers)
        async with everywhere(auth, servers, redis or nowhere) as replicas:
            if redis is not None:
                await replicas.connected()
            return max((await measure(replicas, rounds)).values())
    finally:
        auth.passwords.close()
        await servers.close()
        await database.close()
        for connection in (redis, nowhere):
            if connection is not None:
                await connection.aclose()
