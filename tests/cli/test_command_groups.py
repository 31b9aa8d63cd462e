"""What is loaded when: a command waits for itself alone, and `--help` says of each group what the group says of itself."""

from __future__ import annotations

from importlib import import_module
from inspect import cleandoc

import pytest
from typer.main import get_group

from novacron_cli.groups import COMMANDS, GROUPS


def _first_paragraph(text: str | None) -> str:
    return " ".join(cleandoc(text or "").split("\n\n")[0].split())


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_listed_with_the_words_that_it_has_for_itself(name: str):
    module, about = GROUPS[name]
    assert about == _first_paragraph(get_group(import_module(f"novacron_cli.{module}").app).help)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_top_level_is_listed_with_the_words_that_it_has_for_itself(name: str):
    module, about = COMMANDS[name]
    assert about == _first_paragraph(get_group(import_module(f"novacron_cli.{module}").app).commands[name].help)


async def test_a_command_loads_neither_the_other_groups_nor_what_only_services_need(started_anew, logged_in):
    logged_in.vms.add("web-1")
    result = await started_anew("vm", "list", "-o", "json", PYTHONPROFILEIMPORTTIME="1")
    assert [vm["name"] for vm in result.json] == ["web-1"]
    loaded = {line.rpartition("|")[2].strip() for line in result.err.splitlines() if line.startswith("import time:")}
    assert "novacron_cli.vm_table" in loaded
    for one in (
        "novacron_cli.audit",
        "novacron_cli.user",
        "novacron_local.commands",
        "structlog",
        "rich",
        "opentelemetry",
    ):
        assert one not in loaded


async def test_a_misspelt_command_is_told_what_there_is(novacron):
    for given, meant in (("templte", "template"), ("stats", "status")):
        result = await novacron(given, "list")
        assert result.code == 2
        assert meant in result.err


async def test_a_group_without_a_command_shows_its_help(novacron):
    result = await novacron("breakers")
    assert "Usage: novacron breakers" in result.err + result.out
    assert "half_open" in result.err + result.out
