# VeMRE: `make demo` runs a whole election, `make test` the tests. Both prepare everything themselves.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
DEMO_ARGS ?=
TEST_ARGS ?=

.PHONY: demo test e2e screenshots check lint lint-python lint-native coverage bench native wheels verifier-ts client deps clean

demo: .venv/ready native verifier-ts client
	@$(BIN)/vemre demo $(DEMO_ARGS)

test: .venv/ready native verifier-ts client
	@$(BIN)/pytest -n auto $(TEST_ARGS)
	@! $(BIN)/python -c 'import vemre_native' 2>/dev/null || test -n "$(TEST_ARGS)" \
	  || $(BIN)/pytest -q -n auto --arithmetic reference --of-arithmetic

# One citizen's whole way in a real browser; `make test` includes it.
e2e: .venv/ready native client
	@$(BIN)/pytest -q -n 0 tests/e2e/test_voter_journey.py

# Every page as a telephone and a desktop show it, into docs/screenshots.
screenshots: .venv/ready native verifier-ts client
	@PYTHONPATH=tests $(BIN)/python -m gallery.take docs/screenshots

check: lint native
	@$(BIN)/pytest -q -n auto -m "not slow" tests/unit tests/properties

lint: lint-python lint-native

lint-python: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint-native:
	@sh native/check.sh

# Line coverage of the shared library; the tracer makes the slow arithmetic several times slower.
coverage: .venv/ready
	@$(BIN)/pytest -q -n auto --cov=vemre --cov-report=term --cov-fail-under=90 tests/unit tests/properties tests/attacks

bench: .venv/ready native
	@$(BIN)/python benchmarks/run.py

# The fast, constant-time arithmetic, where cargo is new enough; it says so where it is not, and the reference one serves.
native: .venv/ready
	@sh native/build.sh $(BIN)

# Wheels of the arithmetic for Linux, for machines without a compiler.
wheels: .venv/ready
	@cd native && ../$(BIN)/maturin build --release --locked --out ../dist

# The second verifier, where Node 20.19 or newer is; `make test` says at its end where it was not run, and why.
verifier-ts:
	@if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then \
	  cd audit/verifier-ts && { { test -d node_modules || npm ci --silent --no-progress; } && npm run --silent build; } \
	    || echo "The second verifier could not be built (audit/verifier-ts): npm ci && npm run build say why."; \
	fi

# The voter's client in TypeScript, in the same way.
client:
	@if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then \
	  cd ballot/client && { { test -d node_modules || npm ci --silent --no-progress; } && npm run --silent build; } \
	    || echo "The voter's client could not be built (ballot/client): npm ci && npm run build say why."; \
	fi

# What needs the system's package manager; everything else runs without it.
deps:
	apt-get update && apt-get install -y --no-install-recommends python3 python3-venv git make postgresql chromium nginx-light caddy

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
	rm -rf .venv build dist native/target audit/verifier-ts/dist audit/verifier-ts/node_modules ballot/client/dist ballot/client/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
