"""The rules of the house that a reader would miss if they were broken."""

import ast
import functools
import re
import statistics
import subprocess
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

import novacron.api.errors.v1 as errors_v1
from novacron.errors import NovacronError
from novacron.rpc.policy import policy_of

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("auth", "vm", "scheduler", "federation", "monitoring", "registry")
GENERATED = ROOT / "shared/novacron/api"
SOURCES = sorted(
    path
    for folder in ("shared", "services", "deploy", "protos")
    for path in (ROOT / folder).rglob("*.py")
    if GENERATED not in path.parents
)
PACKAGES = [path for path in SOURCES if "migrations" not in path.parts]
# Where generated code may be seen. Beyond the edge files of a service: the agent's two streams to other services, the
# shared edges, and the command, which is an edge as a whole.
API_FILES = re.compile(
    r"(servicer|messages|clients|agents|heartbeat|samples|registration|authentication|policy|house)\.py$|_servicer\.py$|__main__\.py$"
    r"|/novacron_cli/|/novacron_federation/drivers/|/novacron_registry/health|/protos/|/novacron_local/|/testing/"
)


def name(path):
    return str(path.relative_to(ROOT))


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


@functools.cache
def text_of(path):
    return path.read_text()


@functools.cache
def nodes(path):
    """Every node of a file's tree; the module itself is the first."""
    return list(ast.walk(ast.parse(text_of(path))))


@pytest.fixture(scope="module", autouse=True)
def _trees_are_held_no_longer_than_they_are_read():
    yield
    nodes.cache_clear()


def functions(path):
    return [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_a_file_is_small_and_begins_by_saying_what_it_is():
    for path in PACKAGES:
        text = text_of(path)
        assert text.count("\n") < 400, f"{name(path)}: a file is about one thing: split it"
        assert ast.get_docstring(nodes(path)[0]), f"{name(path)}: the first line of a module says what it is"
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text), f"{name(path)}: leaves something open"
    assert statistics.median(text_of(path).count("\n") for path in PACKAGES) <= 225


def test_no_module_has_a_name_that_says_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "base", "manager", "impl", "misc"}
    assert [name(path) for path in PACKAGES if path.stem in empty] == []


def test_generated_code_ends_at_the_edge():
    for path in PACKAGES:
        imports = {node.module or "" for node in nodes(path) if isinstance(node, ast.ImportFrom)}
        seen = {module for module in imports if re.match(r"(novacron\.)?api(\.|$)", module)}
        assert not seen or API_FILES.search(str(path)), f"{name(path)} imports {seen}"


def test_only_the_chain_ends_a_call():
    aborting = [name(path) for path in PACKAGES if re.search(r"context\.abort", text_of(path))]
    assert aborting == ["shared/novacron/rpc/server.py"], "raise a typed error: the chain makes the status"


def test_a_servicer_method_is_three_beats():
    for path in PACKAGES:
        if path.name.endswith("servicer.py"):
            for function in functions(path):
                lines = function.end_lineno - function.lineno
                assert lines < 30, f"{name(path)}: {function.name} does more than convert, call, convert back"


def test_a_constructor_takes_few_arguments():
    for path in PACKAGES:
        for function in functions(path):
            if function.name == "__init__":
                assert len(function.args.args) - 1 <= 6, f"{name(path)}:{function.lineno}: too many to wire by position"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_rooms(service):
    room = ROOT / "services" / service
    for part in ("README.md", "migrations", f"novacron_{service}/__main__.py", f"novacron_{service}/settings.py"):
        assert (room / part).exists(), f"services/{service}/{part} is missing"
    numbers = [path.name[:4] for path in sorted((room / "migrations").glob("*.sql"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def all_methods():
    pool = descriptor_pool.Default()
    for path in sorted((ROOT / "protos/novacron").rglob("*.proto")):
        relative = str(path.relative_to(ROOT / "protos"))
        module = "novacron." + ".".join(Path(relative).parent.parts[1:])
        __import__(module)
        for service in pool.FindFileByName(relative).services_by_name.values():
            yield from service.methods


METHODS = list(all_methods())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_rpc_says_who_may_call_it(method):
    policy = policy_of(f"/{method.containing_service.full_name}/{method.name}")
    assert policy.declared
    assert policy.public or policy.authenticated or policy.permission or policy.callers
    assert not policy.permission or re.fullmatch(r"[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*", policy.permission)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_rpc_may_be_repeated_but_those_that_say_why_not(method):
    policy = policy_of(f"/{method.containing_service.full_name}/{method.name}")
    # A login makes a session each time, what a provider or a security key answered is good once, and samples have their own
    # acknowledgements.
    once_only = {"Login", "CompleteOidcLogin", "PollDeviceLogin", "LinkExternalIdentity", "IngestVmMetrics"}
    once_only |= {"FinishWebauthnRegistration", "VerifyWebauthnAssertion", "CompleteSamlLogin", "LinkSamlIdentity"}
    assert policy.idempotent or method.name in once_only


@functools.cache
def servicer_sources(service):
    """Every function of a service's package by name, with its lines: what a servicer's method may reach."""
    found = {}
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        lines = text_of(path).splitlines()
        for function in functions(path):
            found.setdefault(function.name, []).append("\n".join(lines[function.lineno - 1 : function.end_lineno]))
    return found


def reaches_barrier(method, sources, depth=4):
    """Whether a method, or what it calls by name within its package, goes through the barrier."""
    for source in sources.get(method, ()):
        if re.search(r"\bonce\(", source):
            return True
        called = set(re.findall(r"\.(\w+)\(", source)) & sources.keys() - {method}
        if depth and any(reaches_barrier(name, sources, depth - 1) for name in called):
            return True
    return False


PARTICIPANTS = [
    method
    for method in METHODS
    if method.full_name.split(".")[2] != "registry"  # a registration belongs to no saga
    and (policy := policy_of(f"/{method.containing_service.full_name}/{method.name}")).callers & {"vm", "federation"}
    and method.GetOptions().idempotency_level == 2  # IDEMPOTENT: it changes something
]


@pytest.mark.parametrize("method", PARTICIPANTS, ids=lambda method: method.full_name)
def test_whatever_a_saga_may_call_goes_through_the_barrier(method):
    service = method.full_name.split(".")[2]
    assert reaches_barrier(method.name, servicer_sources(service)), "wrap its effect in barrier.once"


def test_the_reasons_in_the_protos_are_the_errors_in_the_code():
    in_protos = {value.removeprefix("REASON_") for value in list(errors_v1.Reason.keys())} - {"UNSPECIFIED"}
    assert in_protos == set(NovacronError.by_reason)


def test_the_project_speaks_of_itself_alone():
    machine = re.compile(
        r"(?<![\w.])/(work|farm)/[a-z]|/root/[a-z.]|pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian\.org"
    )
    found = []
    for path in tracked():
        if path.suffix in {".png", ".lock"} or path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if machine.search(line):
                found.append(f"{name(path)}:{number}: {line.strip()[:100]}")
    assert not found
