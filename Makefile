# The one list of commands: people, pre-commit, GitHub, Dockerfile.ci and .ci/run all call these targets.
# Nothing but python3 (3.10 or newer) and make is needed; each target prepares .venv itself.
#   make test PYTHON=python3.12 VENV=.venv-3.12     another interpreter, another environment
#   make test ARGS="-k webhooks"                    arguments for pytest, the demo or the benchmarks

PYTHON = python3
VENV = .venv
ARGS =
ROOM =

BIN = bin
ifeq ($(OS),Windows_NT)
BIN = Scripts
endif
PY = $(VENV)/$(BIN)/python
WHEEL_PY = $(VENV)-wheel/$(BIN)/python
PIP = $(PY) -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test gate quick bounds integration coverage lint bandit format types audit build wheel programs release-tools release bench blocking docs chaos fuzz tears outages mutants clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo.stamp  ## take, confirm, retrieve and refund a payment against the embedded sandbox
	$(PY) -m molam_sdk.cli demo $(ARGS)

test: $(VENV)/dev.stamp  ## all tests; those that measure time run last and alone
	$(PY) ci/run_tests.py -n 3 -m "not alone" $(ARGS)
	$(PY) ci/run_tests.py -m alone

gate: $(VENV)/dev.stamp  ## the unit tests alone take every branch of the core
	$(PY) -m pytest -n 2 -m "not alone" tests/core tests/breaker tests/test_*.py --cov=molam_sdk/_core --cov-fail-under=100 $(ARGS)

quick: $(VENV)/test.stamp  ## the tests without the slow ones, in an environment without the checkers
	$(PY) ci/run_tests.py -n 3 -m "not slow and not alone" $(ARGS)

bounds: $(VENV)/bounds.stamp  ## the same with the oldest dependencies we promise; wants a VENV of its own
	$(PY) ci/run_tests.py -n 3 -m "not slow and not alone" $(ARGS)

integration: $(VENV)/test.stamp  ## a whole payment; with MOLAM_SANDBOX_KEY against Molam's sandbox, or MOLAM_SANDBOX_URL
	$(PY) -m pytest tests/integration $(ARGS)

coverage: $(VENV)/dev.stamp  ## the tests once more, with branch coverage of everything
	$(PY) -m pytest -n 2 -m "not alone" --cov --cov-report=term --cov-report=xml $(ARGS)

lint: $(VENV)/dev.stamp bandit  ## ruff, the formatter's opinion, bandit
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) ci/generate_blocking.py --check

bandit: $(VENV)/dev.stamp  ## dangerous calls in the package
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml molam_sdk

format: $(VENV)/dev.stamp  ## let ruff repair and format what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

blocking: $(VENV)/dev.stamp  ## write the blocking text from the awaited one
	$(PY) ci/generate_blocking.py

types: $(VENV)/dev.stamp  ## mypy --strict and pyright
	$(PY) -m mypy
	$(PY) -m basedpyright

audit: $(VENV)/dev.stamp  ## known vulnerabilities in what is installed
	$(PY) -m pip_audit --skip-editable --progress-spinner off

build: $(VENV)/dev.stamp  ## wheel and sdist in dist/, checked
	rm -rf dist
	$(PY) -m build --outdir dist .
	$(PY) -m twine check --strict dist/*

wheel: build  ## the built wheel, alone in a clean environment
	$(PYTHON) -m venv --clear $(VENV)-wheel
	$(WHEEL_PY) -m pip --disable-pip-version-check install --quiet dist/*.whl
	$(WHEEL_PY) -m pip --disable-pip-version-check check
	$(WHEEL_PY) -I ci/check_wheel.py dist/*.whl

programs:  ## Prometheus and Chromium, which some tests start: where Debian's packages may be installed, and nothing elsewhere
	bash ci/install_programs.sh

release-tools:  ## what a release is listed and uploaded with, pinned with hashes, in $(VENV)-release
	$(PYTHON) -m venv --clear $(VENV)-release
	$(VENV)-release/$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r ci/release-tools.txt

release: wheel release-tools  ## dist/ as it is published: the tested files, their sums, and a CycloneDX list of what they bring along
	$(VENV)-release/$(BIN)/cyclonedx-py environment --output-reproducible --of JSON -o dist/sbom.cdx.json $(VENV)-wheel
	cd dist && sha256sum *.whl *.tar.gz sbom.cdx.json > SHA256SUMS

bench: $(VENV)/bench.stamp  ## figures beside a bare requests.Session
	$(PY) -m benchmarks $(ARGS)

tears: $(VENV)/dev.stamp  ## an exception thrown at every line of a call; the tests take a sample
	MOLAM_TEAR_STRIDE=1 $(PY) -m pytest --timeout 1800 tests/clients/hostile/test_torn_anywhere.py tests/clients/hostile/test_torn_groups.py tests/journalling/test_torn.py tests/journalling/test_killed.py $(ARGS)

docs: $(VENV)/dev.stamp  ## the site, into site/; a broken link or a name that is not there ends it
	$(PY) -m mkdocs build --strict $(ARGS)

chaos: $(VENV)/dev.stamp  ## orders through a hostile network, killed processes and crowds of threads; every payment once
	$(PY) -m tests.chaos $(ARGS)

outages: $(VENV)/dev.stamp  ## a shop under load is broken in every way, and Prometheus sees it: wants Debian's package prometheus
	MOLAM_ALL_OUTAGES=1 $(PY) -m pytest tests/ops/test_outages.py $(ARGS)

fuzz: $(VENV)/dev.stamp  ## the reader of answers against RFC 9112, h11 and llhttp; ARGS="--count 5000000 --seed 7", Ctrl-C ends it
	$(PY) -m tests.http.fuzz $(ARGS)

mutants: $(VENV)/dev.stamp  ## which changes of the code no test notices; ROOM=http for one room, ARGS="--sample 200" for some of them
	$(PY) ci/mutants.py $(ROOM) $(ARGS)

clean:  ## forget environments, builds and caches
	rm -rf $(VENV) $(VENV)-wheel $(VENV)-release dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage site

$(VENV)/created.stamp:
	@$(PYTHON) -c "import ensurepip" || { echo "make: $(PYTHON) makes no environments. On Debian and Ubuntu: apt install python3-venv;" \
	  "or name another interpreter, 3.10 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The first pip that reads [dependency-groups]; what a Python brings along is often older.
$(VENV)/pip.stamp: $(VENV)/created.stamp
	$(PIP) --upgrade "pip>=25.1"
	@touch $@

# The demo does not wait for the development tools.
$(VENV)/demo.stamp: $(VENV)/created.stamp pyproject.toml
	$(PIP) -e ".[sandbox,cli]"
	@touch $@

$(VENV)/test.stamp: $(VENV)/pip.stamp pyproject.toml
	$(PIP) -e ".[all]" --group test
	@touch $@ $(VENV)/demo.stamp

$(VENV)/bounds.stamp: $(VENV)/pip.stamp pyproject.toml ci/lower-bounds.txt
	$(PIP) --constraint ci/lower-bounds.txt -e ".[all]" --group test
	@touch $@

$(VENV)/dev.stamp: $(VENV)/pip.stamp pyproject.toml
	$(PIP) -e ".[all]" --group dev
	@touch $@ $(VENV)/test.stamp $(VENV)/demo.stamp

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(PIP) -e ".[all]" --group dev --group bench
	@touch $@
