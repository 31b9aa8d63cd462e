"""Protobuf's strings may hold NUL, PostgreSQL's may not: whoever sends one reads that, and nothing breaks."""

import pytest
from psycopg.types.json import Jsonb

from novacron.errors import InvalidArgument
from novacron.saga.barrier import MIGRATIONS


@pytest.mark.parametrize("value", ["a\x00b", Jsonb({"a": "\x00"}), Jsonb({"\x00": "a"})])
async def test_a_nul_in_a_text_or_in_json_is_the_callers_fault(new_database, value):
    database = await new_database(MIGRATIONS)
    with pytest.raises(InvalidArgument, match="NUL"):
        async with database.connection() as connection:
            await connection.execute("SELECT %s", (value,))
    async with database.connection() as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
