# The one list of commands: people, pre-commit, GitHub, Dockerfile.ci and .ci/run all call these targets.
# Nothing but python3 (3.10 or newer) and make is needed; each target prepares .venv itself.
#   make test PYTHON=python3.12 VENV=.venv-3.12     another interpreter, another environment
#   make test ARGS="-k webhooks"                    arguments for pytest, the demo or the benchmarks

PYTHON = python3
VENV = .venv
ARGS =

BIN = $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
endif
PY = $(BIN)/python
PIP = $(PY) -m pip --disable-pip-version-check install --quiet
CHECKED = molam_sdk tests examples benchmarks

.PHONY: help demo test coverage lint format types audit build bench chaos clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo.stamp  ## take, confirm, retrieve and refund a payment against the embedded sandbox
	$(PY) -m molam_sdk.cli demo $(ARGS)

test: $(VENV)/dev.stamp  ## all tests; those that measure time run last and alone
	$(PY) -m pytest -n 2 -m "not alone" $(ARGS)
	$(PY) -m pytest -m alone

coverage: $(VENV)/dev.stamp  ## the tests once more, with branch coverage
	$(PY) -m pytest --cov --cov-report=term --cov-report=xml $(ARGS)

lint: $(VENV)/dev.stamp  ## ruff, the formatter's opinion, bandit
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml molam_sdk

format: $(VENV)/dev.stamp  ## let ruff repair and format what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(VENV)/dev.stamp  ## mypy --strict and pyright
	$(PY) -m mypy
	$(PY) -m basedpyright

audit: $(VENV)/dev.stamp  ## known vulnerabilities in what is installed
	$(PY) -m pip_audit --skip-editable --progress-spinner off

build: $(VENV)/dev.stamp  ## wheel and sdist in dist/, checked
	rm -rf dist
	$(PY) -m build --outdir dist .
	$(PY) -m twine check --strict dist/*

bench: $(VENV)/bench.stamp  ## figures beside a bare requests.Session
	$(PY) -m benchmarks $(ARGS)

chaos: $(VENV)/dev.stamp  ## the tests against hostile servers, forks and broken networks
	$(PY) -m pytest -m "not alone" tests/clients tests/integration $(ARGS)

clean:  ## forget environments, builds and caches
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(VENV)/created.stamp:
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The demo does not wait for the development tools.
$(VENV)/demo.stamp: $(VENV)/created.stamp pyproject.toml
	$(PIP) -e ".[sandbox,cli]"
	@touch $@

$(VENV)/dev.stamp: $(VENV)/created.stamp pyproject.toml
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/demo.stamp

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(PIP) -e ".[all,bench]"
	@touch $@
