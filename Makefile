# `make demo` and `make test` need Python 3.11+ and make, nothing else: .venv is made from the hashed requirement files.
# uv is used where it is installed; without it, venv and pip do the same.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo run test lint format lock bench soak soak-short clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.run ## Tour the 2017 story, with no network
	@$(BIN)/watcher demo

run: $(VENV)/.run ## Run the service with config.toml
	$(BIN)/watcher run

test: $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not soak"

lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev .bench-venv/.made ## Measure against a bare loop and urlwatch, in ratios
	$(BIN)/python -m bench

soak-short: $(VENV)/.dev ## Ten minutes of faults and load
	WATCHER_SOAK_SECONDS=540 $(BIN)/python -m pytest -s -m soak

soak: $(VENV)/.dev ## Faults and load for hours
	WATCHER_SOAK_SECONDS=14400 $(BIN)/python -m pytest -s -m soak

lock: ## Compile the requirement files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra all --group build pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra all --group dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  requirements/bench.in -o requirements/bench.txt

clean: ## Remove what make made
	rm -rf $(VENV) .bench-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

# ---------------------------------------------------------------- set-up

define install
	@echo "Setting up $(1) from $(2) …"
	@if [ -n "$(UV)" ]; then \
	  uv pip install --quiet --python $(1)/bin/python --require-hashes -r $(2); \
	else \
	  $(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2); \
	fi
endef

define self
	@if [ -n "$(UV)" ]; then \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "watcher needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@if [ -n "$(UV)" ]; then uv venv --quiet --python $(PYTHON) $(VENV); else $(PYTHON) -m venv $(VENV); fi

$(VENV)/.run: pyproject.toml requirements/run.txt | $(BIN)/python
	$(call install,$(VENV),requirements/run.txt)
	$(self)
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt $(VENV)/.run
	$(call install,$(VENV),requirements/dev.txt)
	@touch $@

.bench-venv/.made: requirements/bench.txt
	@if [ -n "$(UV)" ]; then uv venv --quiet --clear --python $(PYTHON) .bench-venv; else $(PYTHON) -m venv .bench-venv; fi
	$(call install,.bench-venv,requirements/bench.txt)
	@touch $@
