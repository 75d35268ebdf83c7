# A fresh machine needs Python ≥ 3.11, git and make; everything else is installed from here.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ARGS ?=
SEED ?= 7
STEPS ?= 20000
PURE_TESTS := $(wildcard tests/unit tests/property tests/twin tests/durability tests/sim)
# Rooms without venues and pages: two tests at a time, but for those that measure time.
QUIET_TESTS := $(PURE_TESTS) $(wildcard tests/api tests/integration)
SOCKET_TESTS := $(filter-out $(QUIET_TESTS) %/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))
SIDE_BY_SIDE := -n 2 --dist worksteal
NATIVE_SOURCES := $(shell find src/thft -name '_*.pyx' -o -name '*.pxd' -o -name '*.h')
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: demo test check bench sim native web lock clean

.stamp/venv: requirements.lock pyproject.toml hatch_build.py _backend.py
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer on PATH — install one"; exit 2; }
	@mkdir -p .stamp
	@echo "setting up .venv with $(PYTHON)"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .stamp/native

.stamp/native: .stamp/venv $(NATIVE_SOURCES)
	@command -v cc >/dev/null || command -v gcc >/dev/null \
		&& $(BIN)/python hatch_build.py || echo "no C compiler: the Python twins serve"
	@touch $@

native: .stamp/native

.stamp/web: .stamp/venv $(WEB_SOURCES)
	$(BIN)/python tools/build_web.py
	@touch $@

web: .stamp/web

demo: .stamp/native web
	@$(BIN)/thft demo $(ARGS)

test: .stamp/native web
	$(BIN)/python tools/test_programs.py
	THFT_NATIVE=require $(BIN)/python hatch_build.py
	$(BIN)/pytest $(QUIET_TESTS) -m "not alone" $(SIDE_BY_SIDE)
	$(BIN)/pytest $(QUIET_TESTS) -m alone
	$(BIN)/pytest $(SOCKET_TESTS)
	THFT_PURE=1 $(BIN)/pytest $(PURE_TESTS) -m "not once and not alone" $(SIDE_BY_SIDE)
	THFT_PURE=1 $(BIN)/pytest $(PURE_TESTS) -m "alone and not once"

check: .stamp/native
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/tidy.py
	$(BIN)/pytest $(wildcard tests/unit tests/property) -m "not slow"

bench: .stamp/native
	$(BIN)/thft bench $(ARGS)

sim: .stamp/native
	$(BIN)/thft sim --seed $(SEED) --steps $(STEPS) $(ARGS)

lock:
	$(BIN)/python tools/lock.py

clean:
	rm -rf .venv .venv-node .stamp build dist web/node_modules web/dist
	find src -name '*.so' -delete
