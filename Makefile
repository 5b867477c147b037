# VeMRE: `make demo` runs a whole election, `make test` the tests. Both prepare everything themselves.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
DEMO_ARGS ?=
TEST_ARGS ?=

.PHONY: demo test check bench deps clean

demo: .venv/ready
	@$(BIN)/vemre demo $(DEMO_ARGS)

test: .venv/ready
	@$(BIN)/pytest -n auto --dist loadgroup $(TEST_ARGS)

check: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -n auto -m "not slow" tests/unit tests/properties

bench: .venv/ready
	@$(BIN)/python benchmarks/run.py

# What needs the system's package manager; everything else runs without it.
deps:
	apt-get update && apt-get install -y --no-install-recommends python3 python3-venv git make postgresql

.venv/ready: pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "VeMRE needs Python 3.11 or newer: install it, or name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "VeMRE needs Python's venv module: sudo apt-get install python3-venv"; exit 1; }
	@command -v git >/dev/null || { echo "VeMRE needs git: sudo apt-get install git"; exit 1; }
	@echo "Preparing .venv (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv sync --quiet --frozen --inexact --python $(BIN)/python
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
