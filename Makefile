# Every target sets up what it needs in .venv; only python3 has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of what is installed, and of what builds it, constraints.txt has the version and the hashes; uv
# refuses any other file.
INSTALL := $(BIN)/uv --quiet pip install --python $(BIN)/python --compile-bytecode \
	-c constraints.txt --build-constraints constraints.txt
export UV_HTTP_TIMEOUT ?= 180# seconds; some of the files are large
PINS := pyproject.toml constraints.txt
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test check bench docs lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(VENV)/.demo ## Ask questions about this repository and show the prompts
	$(BIN)/mba demo

serve: $(VENV)/.serve ## Serve this repository as a memory, and show how to ask it
	$(BIN)/mba serve --db .mba/memory.db --local --repository .

test: $(VENV)/.test ## Run all tests, on all processors
	@# Each processor takes files next to each other, so that what a file shares is made once. Where
	@# bytecode is not kept, each process that a test starts compiles the package again.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.check ## Lint, check formatting and types, run the code in the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# Tables of wrong arguments are what tests are for, so arguments are not checked there.
	$(BIN)/mypy --disable-error-code=arg-type --disable-error-code=call-arg --no-warn-unused-ignores tests
	@! grep -n '://' constraints.txt
	$(BIN)/python -m pytest -q tests/test_documentation_code.py

bench: $(VENV)/.bench ## Run the benchmarks; DATA=path adds those that read data from there
	$(BIN)/python -m benchmarks.packing
	$(BIN)/python -m benchmarks.shares
	$(BIN)/python -m benchmarks.fit
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.stability
	$(BIN)/python -m benchmarks.llamaindex_fit
	$(BIN)/python -m benchmarks.llamaindex_speed
	$(BIN)/python -m benchmarks.langchain_fit
	$(BIN)/python -m benchmarks.langchain_overhead
ifneq ($(DATA),)
	$(BIN)/python -m benchmarks.complexity --data $(DATA)
	$(BIN)/python -m benchmarks.evidence --data $(DATA)
	$(BIN)/python -m benchmarks.scenarios --data $(DATA)
	$(BIN)/python -m benchmarks.budget_scaling --data $(DATA)
	$(BIN)/python -m benchmarks.evidence_peers --data $(DATA)
	$(BIN)/python -m benchmarks.stability --data $(DATA)
	$(BIN)/python -m benchmarks.llamaindex_evidence --data $(DATA)
	$(BIN)/python -m benchmarks.rag_evidence --data $(DATA)
endif

docs: $(VENV)/.docs ## Build the site of docs/ in site/, with the names of the API
	rm -rf site
	$(BIN)/zensical build --clean --strict
	@# Pages are read where there is no network, so none may load anything from another host.
	@! grep -rEn '<(script|link|img|iframe)[^>]+(src|href)="?(https?:)?//' site --include='*.html'
	@! grep -rEn '(@import|url\()[^;)]*//' site --include='*.css'
	@echo "Read it: $(BIN)/python -m http.server --directory site"

lock: $(VENV)/.python ## Pin the newest versions of all dependencies in constraints.txt
	$(BIN)/uv --quiet pip compile --upgrade --universal --python-version 3.11 --all-extras \
		--group dev --generate-hashes --no-header --no-annotate --output-file constraints.txt \
		pyproject.toml

clean: ## Remove what the targets made
	rm -rf $(VENV) dist build site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The environment's own pip, which may be old, installs uv alone.
$(VENV)/.python: constraints.txt
	$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt >$(VENV)/uv.txt
	$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $(VENV)/uv.txt
	@touch $@

$(VENV)/.demo: $(VENV)/.python $(PINS)
	$(INSTALL) -e '.[cli,fast,local]'
	@touch $@

$(VENV)/.serve: $(VENV)/.python $(PINS)
	$(INSTALL) -e '.[cli,fast,local,server]'
	@touch $@ $(VENV)/.demo

$(VENV)/.test: $(VENV)/.python $(PINS)
	$(INSTALL) -e '.[all]' --group test
	@touch $@ $(VENV)/.demo $(VENV)/.serve

$(VENV)/.check: $(VENV)/.test
	$(INSTALL) --group check
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(INSTALL) --group bench
	@touch $@

$(VENV)/.docs: $(VENV)/.python $(PINS)
	$(INSTALL) --group docs
	@touch $@
