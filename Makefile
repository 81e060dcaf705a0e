# `make` lists the targets; each sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
DATA ?= filmroom-data
PORT ?= 8080
BASE ?= main
RESULTS ?= $(sort $(wildcard bench/results/*.json))
BIN := .venv/bin
# Clients that the tests drive and that cannot live beside each other: each has requirements/NAME.txt and .venv-NAME.
CLIENTS := \
	pyxnat \
	xnatuploader \
	xnatutils
CLIENTS_DONE := $(CLIENTS:%=.venv-%/done)
LOCK := $(BIN)/uv pip compile -q -U --generate-hashes --no-emit-index-url --no-header --python-version 3.11

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

venv: .venv/dev.done ## Build .venv with everything for development, from the hashes in requirements/

serve: .venv/run.done ## Serve the archive in DATA (filmroom-data) on PORT (8080)
	$(BIN)/filmroom serve --data "$(DATA)" --port "$(PORT)"

test: .venv/dev.done $(CLIENTS_DONE) ## Run all tests, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 3

test-every-case: .venv/dev.done $(CLIENTS_DONE) ## Run all tests, and of those with very many cases every one
	EVERY_CASE=1 $(BIN)/python -m pytest -n 3

test-durability: .venv/dev.done ## Kill servers, fail their disks, cut their power, at length (as root; SEED=1); write the figures into the docs
	TMPDIR=$${TMPDIR:-/tmp} PYTHONPATH=tests $(BIN)/python -m durability $(SEED)

test-large: .venv/dev.done ## Send 2 GiB through ten cuts and two deaths of the server
	LARGE_UPLOAD_MIB=2048 $(BIN)/python -m pytest -n 0 tests/server/test_resumable_cuts.py -k arrives_whole

test-fuzz: .venv/dev.done ## Fuzz for some ten minutes, with other examples each time
	FUZZ_FACTOR=5 $(BIN)/python -m pytest -n 0 tests/fuzz

lint: .venv/dev.done ## Check format, style and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: .venv/dev.done ## Check types
	$(BIN)/mypy

shape: .venv/dev.done ## Show the longest functions and files
	$(BIN)/python tests/shape/sizes.py

pages: .venv/dev.done ## Write docs/reference/pages.md: what XNAT's pages ask and which tests prove it
	PYTHONPATH=tests $(BIN)/python -m pages.table --write

compat: .venv/dev.done ## Write docs/reference/compatibility.md: what works with which client, and which tests prove it
	PYTHONPATH=tests $(BIN)/python -m compat.table --write

coverage: .venv/dev.done ## Run all tests and show which lines they miss
	$(BIN)/coverage run -m pytest -p no:randomly
	$(BIN)/coverage report --skip-covered --show-missing

bench: .venv/dev.done ## Measure against real peers, beside floors and stretches (NAME=... for one; SCALE=full)
	$(BIN)/python -m bench $(NAME)

bench-page: .venv/dev.done ## Write docs/performance.md and its plots from RESULTS (all in bench/results, of each workload the newest)
	$(BIN)/python -m bench.page $(RESULTS)

bench-compare: .venv/dev.done ## Measure this tree and commit BASE in turns (BASE=main NAME="put-small list")
	$(BIN)/python -m bench.compare $(BASE) $(NAME)

soak: .venv/dev.done ## Upload and read a million small files, and see whether the last cost as much as the first
	$(BIN)/python -m bench soak

wheel: .venv/dev.done ## Build dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

lock: .venv/dev.done ## Pin the newest versions that pyproject.toml allows
	$(LOCK) pyproject.toml --extra images --group build -o requirements/run.txt
	$(LOCK) pyproject.toml --extra images --group dev -o requirements/dev.txt
	for client in $(CLIENTS); do $(LOCK) --group $$client -o requirements/$$client.txt || exit 1; done

check: lint types test wheel ## All that CI does

clean: ## Remove what the targets made, but no data
	rm -rf .venv $(CLIENTS:%=.venv-%) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* src/filmroom/blobs/libmd5lanes.so

# The package itself is installed from this checkout; its dependencies, its build tools included, by hash. It is compiled
# at once, or every start would do it where Python may write no bytecode.
.venv/run.done: requirements/run.txt pyproject.toml hatch_build.py src/filmroom/blobs/md5lanes.c
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $@

.venv/dev.done: .venv/run.done requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

.venv-%/done: requirements/%.txt
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: help venv serve test test-durability test-large lint types shape pages compat coverage bench bench-page bench-compare soak wheel lock check clean test-fuzz
