"""The durable dictionary under the simulated driver."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.errors import FailedPrecondition, Unavailable
from novacron_agent.drivers.journal import HEADER, Journal

KEYS = st.sampled_from(["a", "b", "c"])
WRITES = st.lists(st.tuples(KEYS, st.none() | st.fixed_dictionaries({"n": st.integers(), "s": st.text()})), max_size=25)


@given(writes=WRITES, cut=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=60, deadline=None)
def test_a_file_cut_anywhere_holds_exactly_the_writes_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, writes: list, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "state"
    ends = [(len(HEADER), {})]

    async def write() -> None:
        journal = Journal(path)
        await journal.open()
        content: dict = {}
        for key, value in writes:
            if value is None:
                await journal.drop(key)
                content.pop(key, None)
            else:
                await journal.put(key, value)
                content[key] = value
            ends.append((path.stat().st_size, dict(content)))
        await journal.close()

    async def read() -> dict:
        journal = Journal(path)
        content = await journal.open()
        await journal.close()
        return content

    asyncio.run(write())
    data = path.read_bytes()
    cut = min(cut, len(data))
    path.write_bytes(data[:cut])
    whole = [content for end, content in ends if end <= cut]

    assert asyncio.run(read()) == (whole[-1] if whole else {})
    assert asyncio.run(read()) == (whole[-1] if whole else {}), "and again, after the tail was dropped"


async def test_a_journal_of_outdated_records_is_rewritten_short(tmp_path: Path) -> None:
    path = tmp_path / "state"
    journal = Journal(path, compact_after=100)
    await journal.open()
    await asyncio.gather(*(journal.put(f"key-{i}", {"n": i}) for i in range(10)))
    for _ in range(50):
        await asyncio.gather(*(journal.put(f"key-{i}", {"n": i}) for i in range(10)))
    assert path.stat().st_size < 150 * 40
    await journal.put("last", {"n": 1})
    await journal.close()

    assert len(await journal.open()) == 11
    await journal.close()


async def test_a_write_is_answered_only_when_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "state")
    await journal.open()
    synced: list[int] = []

    def sync(file: int) -> None:
        fdatasync(file)
        synced.append(os.fstat(file).st_size)

    fdatasync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", sync)
    await journal.put("a", {"n": 1})

    assert synced == [(tmp_path / "state").stat().st_size]
    await asyncio.gather(*(journal.put(f"key-{i}", {"n": i}) for i in range(500)))
    assert len(synced) < 10, "writers that come together share one"
    await journal.close()


async def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "state")
    await journal.open()
    await journal.put("a", {"n": 1})

    def full(file: int, data: bytes, offset: int) -> int:
        pwrite(file, data[:5], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    pwrite = os.pwrite
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(Unavailable, match="No space left"):
            await journal.put("b", {"n": 2})
    await journal.put("c", {"n": 3})
    await journal.close()

    assert await journal.open() == {"a": {"n": 1}, "c": {"n": 3}}
    await journal.close()


async def test_a_file_of_someone_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")

    with pytest.raises(FailedPrecondition, match=r"notes\.txt is not a NovaCron state file"):
        await Journal(path).open()

    assert path.read_text() == "my notes"


async def test_a_write_after_close_is_refused_and_one_under_way_is_not_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state")
    await journal.open()
    under_way = asyncio.create_task(journal.put("a", {}))
    await asyncio.sleep(0)
    await journal.close()

    await asyncio.wait_for(under_way, 5)
    with pytest.raises(Unavailable, match="closed"):
        await journal.put("b", {})
    assert await journal.open() == {"a": {}}
    await journal.close()
