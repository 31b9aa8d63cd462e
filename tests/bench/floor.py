"""The floor: what gRPC and PostgreSQL alone cost here and now. A bare echo server, an INSERT and COMMIT."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any

import grpc
import psycopg

_METHOD = "/bench.Echo/Echo"


def _serve(ready: Connection) -> None:
    async def serve() -> None:
        async def echo(request: bytes, context: Any) -> bytes:
            return request

        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(echo)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        ready.send(port)
        await server.wait_for_termination()

    asyncio.run(serve())


class Floor:
    """One echo and one commit at a time, as often as the thing measured makes them."""

    def __init__(self, echo: Any, connection: psycopg.AsyncConnection[Any]) -> None:
        self._echo = echo
        self._connection = connection

    async def call(self, size: int = 200) -> None:
        await self._echo(b"x" * size)

    async def commit(self) -> None:
        await self._connection.execute("INSERT INTO bench_floor (word) VALUES ('hello')")


@asynccontextmanager
async def floor(database_url: str) -> AsyncIterator[Floor]:
    """A floor beside whatever is measured: its own server process, its own table."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    port = await asyncio.to_thread(ours.recv)
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS bench_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text)"
    )
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Floor(channel.unary_unary(_METHOD), connection)
    finally:
        await connection.close()
        process.terminate()
        process.join()
