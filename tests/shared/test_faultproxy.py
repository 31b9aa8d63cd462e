"""Each fault of the proxy as a bare socket feels it, on connections that already live."""

import asyncio
import contextlib
import socket
import time

import pytest

from novacron.testing.faultproxy import draws
from novacron.testing.patience import eventually
from novacron.testing.toxics import Bandwidth, Cut, Direction, Down, HalfOpen, Latency, Reset

WORD = b"hello"


class Echo:
    """Says what it is told, and remembers how much that was."""

    def __init__(self):
        self.heard = 0
        self.ends = []

    async def serve(self, reader, writer):
        try:
            while data := await reader.read(65536):
                self.heard += len(data)
                writer.write(data)
                await writer.drain()
            self.ends.append("closed")
        except ConnectionResetError:
            self.ends.append("reset")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def echo():
    made = Echo()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@pytest.fixture
async def wire(echo, fault_proxy):
    return await fault_proxy(echo.port, seed=1)


class Client:
    def __init__(self, wire):
        self.socket = socket.create_connection(("127.0.0.1", wire.port))
        self.socket.setblocking(False)

    async def say(self, word=WORD):
        await asyncio.get_running_loop().sock_sendall(self.socket, word)

    async def hear(self, size=5, within=5.0):
        """Exactly so many bytes, or what came before the end."""
        heard = b""
        async with asyncio.timeout(within):
            while len(heard) < size:
                data = await asyncio.get_running_loop().sock_recv(self.socket, size - len(heard))
                if not data:
                    break
                heard += data
        return heard

    async def took(self):
        began = time.monotonic()
        await self.say()
        assert await self.hear() == WORD
        return time.monotonic() - began


@pytest.fixture
async def client(wire):
    made = Client(wire)
    assert await made.took() < 10  # the connection lives
    yield made
    made.socket.close()


async def test_nothing_wrong_is_nothing_changed(client, echo):
    whole = bytes(range(256)) * 8192
    sent = asyncio.create_task(client.say(whole))
    assert await client.hear(len(whole), within=20) == whole
    await sent
    client.socket.shutdown(socket.SHUT_WR)
    assert await client.hear() == b""

    async def closed():
        return echo.ends == ["closed"]

    await eventually(closed)


async def test_latency_delays_each_way_and_can_be_changed_and_removed(wire, client):
    late = wire.add(Latency(0.15))
    assert await client.took() >= 0.3
    late.change(Latency(0.05))
    assert await client.took() >= 0.1
    late.remove()
    with wire.suffering(Latency(0.15), Direction.TO_CLIENT):
        assert await client.took() >= 0.15


async def test_bytes_on_their_way_arrive_as_soon_as_the_latency_is_gone(wire, client):
    with wire.suffering(Latency(60)):
        await client.say()
        with pytest.raises(TimeoutError):
            await client.hear(within=0.1)
    assert await client.hear() == WORD


async def test_latency_does_not_add_up_over_what_is_sent_together_nor_change_its_order(wire, client):
    with wire.suffering(Latency(0.2, jitter=0.1), Direction.TO_SERVER):
        words = [f"{number:05}".encode() for number in range(20)]
        for word in words:
            await client.say(word)
            await asyncio.sleep(0)
        assert await client.hear(100, within=3) == b"".join(words)


def test_the_same_seed_draws_the_same_for_the_same_connection_and_direction():
    def drawn(*key):
        random = draws(*key)
        return [random.uniform(-1, 1) for _ in range(5)]

    first = drawn(1, 0, Direction.TO_SERVER)
    assert first == drawn(1, 0, Direction.TO_SERVER)
    others = [(2, 0, Direction.TO_SERVER), (1, 1, Direction.TO_SERVER), (1, 0, Direction.TO_CLIENT)]
    assert first not in [drawn(*other) for other in others]


async def test_a_refusal_is_a_refusal_and_what_lived_ends(wire, client):
    port = wire.port
    with wire.suffering(Down()):
        assert await client.hear() == b""
        with pytest.raises(ConnectionRefusedError):
            Client(wire)
        with socket.socket() as other, pytest.raises(OSError):
            other.bind(("127.0.0.1", port))  # nobody takes its place meanwhile
    again = Client(wire)
    await again.took()
    again.socket.close()
    assert wire.port == port


async def test_a_reset_is_a_reset_for_the_old_and_the_new_and_for_both_sides(wire, client, echo):
    with wire.suffering(Reset()):
        with pytest.raises(ConnectionResetError):
            await client.hear()
        new = Client(wire)
        with pytest.raises(ConnectionResetError):
            await new.hear()
        new.socket.close()

    async def told():
        return echo.ends == ["reset"]

    await eventually(told)


async def test_half_open_takes_everything_and_answers_nothing_and_resets_when_it_heals(wire, client, echo):
    heard = echo.heard
    with wire.suffering(HalfOpen()):
        new = Client(wire)  # accepted
        for one in (client, new):
            await one.say(b"x" * 100_000)
            with pytest.raises(TimeoutError):
                await one.hear(within=0.1)
        assert (echo.heard, echo.ends) == (heard, [])
    for one in (client, new):
        with pytest.raises(ConnectionResetError):
            await one.hear()
    new.socket.close()


async def test_half_open_one_way_loses_only_the_answer(wire, client, echo):
    heard = echo.heard
    with wire.suffering(HalfOpen(), Direction.TO_CLIENT):
        await client.say()

        async def done():
            return echo.heard == heard + len(WORD)

        await eventually(done)
        with pytest.raises(TimeoutError):
            await client.hear(within=0.1)


async def test_an_untouched_connection_outlives_half_open(wire, client):
    with wire.suffering(HalfOpen()):
        await asyncio.sleep(0)
    await client.took()


async def test_a_slow_reader_holds_up_who_writes_to_it(wire, client, echo):
    heard = echo.heard
    with wire.suffering(Bandwidth(50_000), Direction.TO_SERVER):
        sent = asyncio.create_task(client.say(b"x" * 32_000_000))
        await asyncio.wait({sent}, timeout=0.5)
        assert not sent.done(), "the kernel's buffers are full and the rest waits"
        assert 0 < echo.heard - heard < 200_000
        sent.cancel()
        await asyncio.gather(sent, return_exceptions=True)


async def test_bandwidth_is_felt_by_what_is_received_and_may_grow(wire, client):
    slow = wire.add(Bandwidth(20_000), Direction.TO_CLIENT)
    began = time.monotonic()
    await client.say(b"x" * 10_000)
    assert len(await client.hear(10_000)) == 10_000
    assert time.monotonic() - began >= 0.3
    slow.change(Bandwidth(1))
    await client.say()
    with pytest.raises(TimeoutError):
        await client.hear(within=0.2)
    slow.change(Bandwidth(10**9))
    assert await client.hear(within=10) == WORD


@pytest.mark.parametrize("after", [0, 1, 1000])
async def test_a_cut_ends_the_connection_after_exactly_so_many_bytes(wire, client, after):
    with wire.suffering(Cut(after), Direction.TO_CLIENT):
        await client.say(b"x" * 5000)
        assert len(await client.hear(5000)) == after
    new = Client(wire)
    await new.took()
    new.socket.close()


async def test_a_cut_counts_for_each_connection_anew(wire, client):
    with wire.suffering(Cut(12), Direction.TO_SERVER):
        for _ in range(2):
            new = Client(wire)
            await new.took()
            await new.took()
            with contextlib.suppress(ConnectionError):
                await new.say()
                assert len(await new.hear()) < len(WORD)
            new.socket.close()


async def test_a_server_that_does_not_listen_resets_who_came_through_the_wire(fault_proxy):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        wire = await fault_proxy(taken.getsockname()[1])
        client = Client(wire)
        with pytest.raises(ConnectionResetError):
            await client.hear()
        client.socket.close()


async def test_no_connection_outlives_its_clients(wire, client):
    others = [Client(wire) for _ in range(5)]
    for other in others:
        await other.took()
        other.socket.close()

    async def one_left():
        return wire.connections == 1

    await eventually(one_left)
