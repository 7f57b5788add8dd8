# The workspace's verbs, for one package: a package's Makefile includes this file.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
HERE := $(patsubst $(ROOT)/%,%,$(CURDIR))
BIN := $(ROOT)/.venv/bin

.DEFAULT_GOAL = help
.PHONY: help setup test soak lint format type build

help: ## Print these verbs.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | sort | awk -F '\t' '{printf "  %-8s %s\n", $$1, $$2}'

setup:
	@$(MAKE) --no-print-directory -C $(ROOT) setup

test soak: ## Run this package's tests (soak: with many more examples).
	@$(MAKE) --no-print-directory -C $(ROOT) $@ ARGS=$(HERE)/tests

lint: setup ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Repair style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: setup ## Check types with mypy and pyright.
	@$(MAKE) --no-print-directory -C $(ROOT) type ARGS=$(HERE)

build: setup ## Build a wheel and an sdist into the workspace's dist/.
	$(BIN)/uv build --quiet --out-dir $(ROOT)/dist .
