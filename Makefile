# `make demo` and `make test` need nothing done first on a fresh Debian 12 machine as root.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-all test-fast test-without-engines test-lab slow-tests faults record-surprises truth check rule lab lab-down bench \
	screenshots release lock clean
.DEFAULT_GOAL := help

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.run: pyproject.toml requirements.lock tests/venv.sh
	@PYTHON="$(PYTHON)" sh tests/venv.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: pyproject.toml requirements-dev.lock tests/venv.sh
	@PYTHON="$(PYTHON)" sh tests/venv.sh $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run ## A recorded fleet over real SSH: the main job, without Docker
	@$(BIN)/cachetui demo

# Compiled tests are kept, also where Python is set to keep none: workers read them again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q --durations=10

# Which surprises are played on engines: `today` is a set that is another one each day.
SURPRISES ?= today
# How many examples hypothesis tries: `quick` or `thorough` (tests/examples.py).
EXAMPLES ?= quick

# More workers than cores: what drives an app or a host sleeps most of the time.
WORKERS ?= $(shell expr 2 \* $$(nproc))

test: test-without-engines test-lab ## All tests; as root with apt on real engines, with some of the surprises there

test-all: ## All tests, each surprise played on engines, and far more random examples
	$(MAKE) test SURPRISES=all EXAMPLES=thorough

WITHOUT_ENGINES = $(PYTEST) -n $(WORKERS) --dist worksteal --hypothesis-profile=$(EXAMPLES)

# One worker more for each core than for all tests: of the quick ones many wait.
test-fast: WORKERS = $(shell expr 3 \* $$(nproc))
test-fast: $(VENV)/.dev ## The quick tests that need no engine: under a minute, to run often
	$(WITHOUT_ENGINES) -m "not lab and not slow"

test-without-engines: $(VENV)/.dev ## All tests that need no engine, side by side
	$(WITHOUT_ENGINES) -m "not lab"

slow-tests: $(VENV)/.dev ## Measure which tests are too slow for test-fast: tests/slow/tests.txt
	PYTHONPATH=. $(WITHOUT_ENGINES) -m "not lab" -p tests.slow.measure

# Each worker has a lab of its own. More than two are too much for tests that measure how soon
# something ends on a host.
LABS ?= 2

test-lab: $(VENV)/.dev ## The tests on real engines, in two labs side by side
	$(PYTEST) -m lab -n $(LABS) --dist worksteal --surprises=$(SURPRISES)

faults: $(VENV)/.dev ## The tests of docs/faults.md, and which promises they hold now
	PYTHONPATH=. $(PYTEST) -m fault -p tests.faults.plugin -n $(LABS) --dist worksteal

record-surprises: $(VENV)/.dev ## Play surprises on real engines, keep what these gave: NAME=one, or all
	@$(BIN)/python -m tests.surprises.record $(NAME)

truth: $(VENV)/.dev ## Findings against the truth, on real engines: make truth N=300 [SEED=…]
	@$(BIN)/python -m tests.truth N=$(N) SEED=$(SEED) LAB=$(LAB) MINUTES=$(MINUTES)

check: $(VENV)/.dev ## Lint, format, strict types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

rule: $(VENV)/.dev ## The skeleton of a new rule of findings: make rule NAME=some-name
	@$(BIN)/python -m tests.findings.new_rule $(NAME) && $(BIN)/python -m tests.findings.page

lab: $(VENV)/.dev ## Four real Docker engines behind real SSH on loopback; SHARING=1 adds a registry and ctd2
	@$(BIN)/python -m tests.lab up $(if $(SHARING),--sharing)

lab-down: $(VENV)/.run ## End the lab; nothing is left running
	@$(BIN)/python -m tests.lab down

bench: $(VENV)/.dev ## The figures of docs/measured.md, and a table of goals: half an hour; NAMES="peek stored" does these only
	@$(BIN)/python benchmarks/_all.py $(NAMES)

screenshots: $(VENV)/.dev ## Renew the pictures and docs/keys.md from the recorded fleet
	$(BIN)/python -m tests.cheat_sheet
	$(BIN)/python -m tests.screenshots

LOCK := $(VENV)/lock/bin/uv pip compile pyproject.toml --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' --group build

release: check ## Build and check in dist/ what would be published; uploads nothing
	$(BIN)/python -m tests.packaging.build
	DIST=dist $(PYTEST) tests/packaging
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install -q --disable-pip-version-check uv
	$(VENV)/lock/bin/uv tool run --isolated --from dist/*.whl cachetui demo --table --speed 100
	@grep -q "^## $$($(BIN)/cachetui --version | cut -d' ' -f2)" CHANGELOG.md || \
		echo "CHANGELOG.md has no section of this version yet"
	@sha256sum dist/*

lock: ## Renew requirements.lock and requirements-dev.lock
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check uv
	@$(LOCK) --output-file requirements.lock
	@$(LOCK) --extra dev --output-file requirements-dev.lock

clean: ## Remove the virtual environment and what tools left
	rm -rf dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
