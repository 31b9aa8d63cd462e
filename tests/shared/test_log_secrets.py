"""A log holds no secret, in neither format."""

import json
import logging
import re

import pytest
import structlog

from novacron import logs
from novacron.settings import ProcessSettings

CANARY = "hunter2-canary"


@pytest.fixture
def configured():
    """Sets up logs as a process does, and puts back what was there."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda kind: logs.configure(ProcessSettings(log_format=kind), "test")
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("kind", ["json", "console"])
def test_a_traceback_shows_no_local_variable(configured, capsys, kind):
    configured(kind)

    def sign_in(password):
        raise RuntimeError("the far side hung up")

    try:
        sign_in(CANARY)
    except RuntimeError as error:
        logs.logger("test").error("failed", exc_info=error)
    written = capsys.readouterr().err
    assert "the far side hung up" in written
    assert "sign_in" in written
    assert CANARY not in written


@pytest.mark.parametrize("kind", ["json", "console"])
def test_a_value_under_a_secrets_name_is_struck_out(configured, capsys, kind):
    configured(kind)
    logs.logger("test").info("signing in", password=CANARY, credentials=CANARY, access_token=CANARY, name="anna")
    written = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().err)
    assert CANARY not in written
    assert "anna" in written
    if kind == "json":
        assert json.loads(written)["password"] == "***"
