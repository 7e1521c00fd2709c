# Everything runs in .venv, which `make setup` makes; every target that needs it calls that first.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
FOLIO := .venv/bin/folio
WORKERS ?= 2
# Without bytecode every process compiles all that it imports: Great Expectations takes 13 s instead of 5.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --cov --cov-report=term

.PHONY: help setup demo up down status test check-all bench lint lint-python lint-sql format lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the environment: locked, hashed requirements and Folio itself
	@bin/setup

demo: setup ## run the whole pipeline on demo data: some minutes, ends with where to look
	@$(FOLIO) demo

up: setup ## start Postgres, Airflow, the API and the mail catcher
	@$(FOLIO) up

down: setup ## stop them; data stays
	@$(FOLIO) down --all

status: setup ## show what runs, where, and what is stored
	@$(FOLIO) status

test: setup lint ## check style and types and run every test but the exhaustive ones, with coverage
	$(PYTHON) -m coverage erase
	$(PYTEST) -m "not exhaustive"

check-all: setup lint ## run every test, the exhaustive ones too
	$(PYTHON) -m coverage erase
	$(PYTEST)

bench: setup ## time landing, rates of return, InfluxDB, one night for many accounts and daily values (BENCH="--accounts 100" for a smaller one)
	$(PYTHON) tests/bench/navs.py
	$(PYTHON) tests/bench/returns.py
	$(PYTHON) tests/bench/backfill.py
	$(PYTHON) tests/bench/lots.py
	$(PYTHON) tests/bench/activities.py
	$(PYTHON) -m tests.bench.influx
	$(PYTHON) tests/bench/night.py $(BENCH)
	$(PYTHON) -m tests.bench.values

lint: setup ## check style of Python and SQL, and types
	@$(MAKE) --no-print-directory -j 2 lint-python lint-sql

lint-python: setup
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

lint-sql: setup
	$(PYTHON) -m sqlfluff lint --disable-progress-bar dbt_project

format: setup ## put Python and SQL into shape
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
	$(PYTHON) -m sqlfluff fix --disable-progress-bar dbt_project

lock: ## resolve requirements.in again into requirements.txt (needs uv)
	uv pip compile requirements.in --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-header --no-emit-index-url --output-file requirements.txt

clean: ## stop everything and delete the environment, databases and all else that was made
	@if [ -x $(FOLIO) ]; then $(FOLIO) down --all --purge; fi
	rm -rf .venv .folio .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		dbt_project/target dbt_project/logs include/folio.egg-info
