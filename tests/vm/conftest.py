"""A house with one host, and one without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from novacron.testing.servers import Servers

from .house import House, build


@pytest.fixture
async def empty_house(servers: Servers, new_database: Any, tmp_path: Path) -> AsyncIterator[House]:
    """vm, scheduler and monitoring, and no host yet."""
    house = await build(servers, new_database, tmp_path)
    yield house
    await house.close()


@pytest.fixture
async def house(empty_house: House) -> House:
    """The same with the host ``n1``."""
    await empty_house.add_host()
    return empty_house
