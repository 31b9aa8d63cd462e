# Two commands are all: `make demo` and `make test`. The rest is what they are made of.

DATA    ?= .novacron
VENV    ?= .venv
PYTHON  := $(VENV)/bin/python
ARGS    ?=
WORKERS ?= 3
NAME    ?=
SEEDS   ?= 2000
SEED    ?=

# Some hundred processes of the same code: what one has compiled the others read, whatever this shell says of that.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults test-simulation check lint types imports protos protos-check migrations-check setup hypervisor image bench lock clean

help: ## Show what there is.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: setup hypervisor image ## Set everything up, run NovaCron, create a first VM, show it running.
	deploy/demo.sh $(VENV) $(DATA)

test: setup hypervisor image check ## Set everything up, run every test.
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 25 $(ARGS)

test-faults: setup hypervisor image ## Kill, freeze and cut off a saga's process at every point that it passes; call every RPC as everybody.
	$(PYTHON) -m pytest -m faults_all tests/faults tests/e2e tests/auth tests/agent $(ARGS)

setup: $(VENV)/ready ## A virtual environment with everything that Python needs.

$(VENV)/ready: requirements.lock pyproject.toml deploy/setup.sh
	deploy/setup.sh $(VENV)
	@touch $@

hypervisor: setup ## libvirt and QEMU from Debian, where this user may install them; else the hypervisor is simulated.
	$(PYTHON) -m novacron_agent.hypervisor_setup

image: setup ## The base image of the demo and the tests, out of Debian's packages.
	$(PYTHON) -m novacron_agent.guest_image --output $(DATA)/images

test-simulation: setup ## Sagas in simulated worlds: SEEDS=n of them, or SEED=n replayed and told.
	$(PYTHON) -m novacron.testing.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

check: lint types imports protos-check migrations-check ## Everything that is checked without running it.

lint:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types:
	$(VENV)/bin/mypy

imports:
	$(VENV)/bin/lint-imports

protos: setup ## Write shared/novacron/api from the protos.
	$(PYTHON) protos/generate.py

protos-check: setup
	PATH=$(abspath $(VENV))/bin:$$PATH $(PYTHON) protos/generate.py --lint
	$(PYTHON) protos/generate.py --check

migrations-check: setup
	$(VENV)/bin/squawk services/*/migrations/*.sql shared/novacron/saga/*migrations/*.sql

bench: setup ## Benchmarks into build/bench; NAME=create_vm runs one.
	$(PYTHON) -m tests.bench $(NAME)

lock: setup ## Pin every dependency anew, with hashes.
	$(PYTHON) deploy/lock.py

clean: ## Remove what was built; data directories stay.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
