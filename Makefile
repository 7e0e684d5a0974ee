# Every target sets up .venv by itself, and again when pyproject.toml or constraints.txt change.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/core.stamp
DEV := $(VENV)/dev.stamp
DOCS := $(VENV)/docs.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install -c constraints.txt
EXTRAS := gateway,postgresql,notebook,whatsapp,raw,app,names

LOWEST := .venv-lowest
CORE_TESTS := tests/model tests/views tests/accounts/test_wire.py tests/cassettes/test_cassettes.py \
	tests/cli/test_cli.py tests/gateway/test_gateway.py tests/gateway/test_journal.py \
	tests/notebook/test_panel.py tests/policies/test_people.py tests/test_sync.py

AXE := tests/browser/node_modules/.package-lock.json

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg
export CHROMIUM
ifeq ($(CI),true)
export PRIVACY_SDK_REQUIRE_BROWSER ?= 1
export PRIVACY_SDK_REQUIRE_NGINX ?= 1
export PRIVACY_SDK_REQUIRE_POSTGRESQL ?= 1
endif

.DEFAULT_GOAL := help
.PHONY: help demo lab screenshots test check lowest dist docs mutants record notebooks bench clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(CORE) ## replay the tour in the terminal: no account, no network
	@$(BIN)/privacy-sdk demo

lab: $(DEV) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

test: $(DEV) $(AXE) ## tests, doctests and notebooks, under five minutes
	@test -n "$(CHROMIUM)" || printf '%s\n' \
		'**** No Chromium found: the browser tests will be SKIPPED.' \
		'**** To run them: apt-get install chromium (or: make test CHROMIUM=/path/to/it)'
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || printf '%s\n' \
		'**** No nginx found: the tests of gateways behind a proxy will be SKIPPED.' \
		'**** To run them: apt-get install nginx-light'
	$(BIN)/pytest -n auto --dist loadfile -m "not slow and not browser"
	$(BIN)/pytest -m "browser and not slow"
	$(if $(wildcard notebooks/*.ipynb),$(BIN)/pytest $(NBVAL) notebooks)

check: $(DEV) $(AXE) docs dist lowest ## lint, types, documentation, package, and every test in its long version
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/pytest -m "" --hypothesis-profile=long --timeout=1800

lowest: $(LOWEST)/stamp ## core tests with the lowest versions that pyproject.toml allows
	$(LOWEST)/bin/pytest $(CORE_TESTS)

dist: $(DEV) ## build wheel and sdist, and check their page
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

docs: $(DOCS) ## build the documentation: docs/_build/html/index.html
	$(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html

mutants: $(DEV) ## which changes of a module no test notices, as in: make mutants ROOM=gateway/limits.py TESTS=tests/gateway/test_limits.py
	$(PIP) cosmic-ray
	$(BIN)/python tools/mutants.py $(ROOM) $(TESTS)

record: $(DEV) ## make every cassette again, from a real gateway
	$(BIN)/python tools/record.py

notebooks: $(DEV) ## execute the notebooks and write their outputs
	$(BIN)/python tools/run_notebooks.py

screenshots: $(DEV) ## take the pictures in docs/ again
	$(BIN)/python tools/screenshots.py

bench: $(DEV) ## measure
	$(BIN)/python -m benchmarks

clean: ## remove .venv and all that was built or cached
	rm -rf $(VENV) $(LOWEST) tests/browser/node_modules build dist docs/_build docs/notebooks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'privacy_sdk needs Python 3.11 or newer, as in: make PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(CORE): pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Setting up .venv, once: half a minute or so.'
	@$(PIP) -e '.[gateway]'
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Setting up .venv for development, once: a minute or two.'
	@$(PIP) --upgrade 'pip>=25.1' # which knows dependency groups
	@$(PIP) -e '.[$(EXTRAS)]' --group dev
	@touch $(CORE) $@

$(LOWEST)/stamp: pyproject.toml tools/lowest.py | $(DEV)
	@rm -rf $(LOWEST) && $(PYTHON) -m venv $(LOWEST)
	@$(BIN)/python tools/lowest.py > $(LOWEST)/constraints.txt
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check -qq install --upgrade 'pip>=25.1'
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check -qq install \
		-c $(LOWEST)/constraints.txt -e '.[gateway,names,postgresql,whatsapp]' --group test
	@touch $@

$(DOCS): $(DEV)
	@$(PIP) --group docs
	@touch $@

$(AXE): tests/browser/package-lock.json
	@command -v npm >/dev/null && npm ci --silent --no-audit --no-fund --prefix tests/browser || \
		echo '**** npm could not install axe-core: accessibility will NOT be checked.'
