# Needs Python 3.10 or newer, make and PyPI; everything else is set up in .venv.
PYTHON ?= python3
UV_VERSION = 0.13.9
VENV = .venv
BIN = $(VENV)/bin
UV = $(BIN)/uv
READY = $(VENV)/.ready
MEMBERS = $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml packages/*/pyproject.toml integrations/*/pyproject.toml))
SOURCES = $(addsuffix /src,$(MEMBERS))

.DEFAULT_GOAL = help
.PHONY: help setup demo test soak lint format type build clean

help: ## Print these verbs.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | sort | awk -F '\t' '{printf "  %-8s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv with all tools and packages.

$(READY): constraints.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r constraints.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	touch $@

demo: $(READY) ## Keep conversations and read them back; CONVERSATIONS=file.jsonl takes yours.
	@$(BIN)/python -m examples.demo $(if $(CONVERSATIONS),"$(CONVERSATIONS)")

test: $(READY) ## Run all tests.
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

soak: $(READY) ## Run the same tests with many more examples.
	CHATSTORE_SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(READY) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Repair style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(READY) ## Check types with mypy and pyright.
	$(BIN)/mypy $(SOURCES)
	$(BIN)/pyright

build: $(READY) ## Build a wheel and an sdist of every package into dist/.
	for member in $(MEMBERS); do $(UV) build --quiet --out-dir dist $$member || exit 1; done
	@ls dist

clean: ## Remove what the verbs above made.
	rm -rf $(VENV) dist .demo
