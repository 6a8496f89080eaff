# Every target sets up what it needs in .venv; only python3 has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

demo: $(VENV)/.demo ## Ask questions about this repository and show the prompts
	$(BIN)/mba demo

test: $(VENV)/.test ## Run all tests
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## Lint, check formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@! grep -n '://' constraints.txt

bench: $(VENV)/.dev ## Run the benchmarks; with DATA=path also those that need data
	$(BIN)/python -m benchmarks.packing
	$(BIN)/python -m benchmarks.fit
	$(BIN)/python -m benchmarks.speed
ifneq ($(DATA),)
	$(BIN)/python -m benchmarks.complexity --data $(DATA)
	$(BIN)/python -m benchmarks.evidence --data $(DATA)
endif

clean: ## Remove what the targets made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt pip
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[cli,fast,local]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) install -c constraints.txt --group test
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(PIP) install -c constraints.txt --group dev
	@touch $@
