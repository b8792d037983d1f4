# One command to a running system: `make run`. One to the proof: `make test`. See `make help`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# Relative on purpose: the checkout may lie in a path with spaces, which make cannot handle.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Where a shell sets it, each of the processes that are started would compile the product anew: a second each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check bench chaos fuzz format schema pictures lock audit clean venv node

help: ## show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

run: venv ## start everything: PostgreSQL, Valkey, Stripe sandbox, web, realtime, workers
	@exec $(BIN)/python -m config.local_stack run

test: venv node ## the whole test suite against real PostgreSQL and Valkey
	@$(BIN)/python -m config.local_stack.testing.tools
	@exec $(BIN)/python -m pytest $(ARGS)

check: venv ## format, lint, types, architecture, migrations, schema files
	@exec $(BIN)/python -m config.local_stack.check

bench: venv ## the benchmarks, each beside its limit in the same run
	@exec $(BIN)/python -m benchmarks $(ARGS)

chaos: venv ## a load with faults by a seed (SEED, MINUTES), then the proof that nothing broke
	@exec $(BIN)/python -m chaos

fuzz: venv ## every operation of openapi.yaml and GraphQL with any values, and any order of purchases (EXAMPLES of each, by a SEED)
	@FUZZ_EXAMPLES="$(or $(EXAMPLES),40)" FUZZ_SEED="$(or $(SEED),1)" exec $(BIN)/python -m pytest -q -p no:randomly -o faulthandler_timeout=0 config/tests/test_rest_fuzz.py config/tests/test_graphql_fuzz.py offers/tests/test_state_machine.py

format: venv ## put the code into its format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

schema: venv ## write schema.graphql and openapi.yaml anew
	@exec $(BIN)/python -m config.local_stack.schema_files --write

pictures: venv ## take the pictures of docs/images anew from the demo that runs (its address in ARGS)
	@exec $(BIN)/python -m config.demo.pictures $(ARGS)

lock: venv ## pin the versions of requirements/*.in anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 requirements/dev.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 requirements/base.in -c requirements.txt -o requirements/production.txt

audit: venv ## look the locked packages up among known vulnerabilities; asks PyPI
	@exec $(BIN)/uv tool run pip-audit --strict --requirement requirements/production.txt --no-deps --disable-pip

clean: ## delete caches and the virtual environment; the data in .local stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build .coverage htmlcov

# The JavaScript that tests speak with; without npm the tests that need it are named as skipped.
node:
	@if command -v npm >/dev/null 2>&1 && [ ! node_modules/.package-lock.json -nt package-lock.json ]; then echo "  .. npm packages"; npm ci --silent --no-audit --no-fund; fi

# Costs nothing when requirements.txt is the one that was installed last.
venv:
	@PYTHON='$(PYTHON)' VENV='$(VENV)' STAMP='$(STAMP)' sh deploy/venv.sh
