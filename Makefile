# Everything CI runs, one target each. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
OPA = "$$($(BIN)/opalite opa path)"
setup_done := .venv/.setup-done
layer_sources := $(shell find extension handler/opalite/engine handler/opalite/catalog.py handler/opalite/settings_data.py policies data LICENSE -type f -not -name '*_test.*' -not -path '*/__pycache__/*')

.PHONY: help
help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(setup_done): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Opalite needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; set PYTHON=python3.12 or the like") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/opalite opa install
	@touch $@

.PHONY: setup
setup: $(setup_done) ## virtual environment with locked dependencies, and OPA; leaves .venv/bin/opalite
	@$(BIN)/opalite opa path >/dev/null 2>&1 || $(BIN)/opalite opa install

.PHONY: demo
demo: setup ## judge the sample organization
	@$(BIN)/opalite evaluate samples/organization --data samples/settings --facts samples/facts.yaml --bundle samples/custom || test $$? -eq 1

.PHONY: layer
layer: setup ## build dist/opalite-layer-x86_64.zip and -arm64.zip (needs Go 1.26, or fetches it)
	$(BIN)/python extension/build_layer.py

.PHONY: layer-host
layer-host: build/layer/opalite/layer.json ## the layer for this machine, unpacked in build/layer

build/layer/opalite/layer.json: $(layer_sources) $(setup_done)
	$(BIN)/python extension/build_layer.py --unpacked build/layer

build/ministack/.done: tests/emulation/deployment/requirements.txt $(setup_done)
	$(BIN)/python -m venv build/ministack
	build/ministack/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r $<
	@touch $@

.PHONY: ministack
ministack: build/ministack/.done ## MiniStack in an environment of its own, for the test that deploys template.yaml

.PHONY: deploy-local
deploy-local: setup ministack ## deploy template.yaml on this machine, and follow one open port from event to end
	@$(BIN)/python tests/emulation/deploy_local.py

.PHONY: lambda-demo
lambda-demo: setup layer-host ## one event (EVENT=file) through the function, with Lambda and AWS emulated
	@$(BIN)/python tests/emulation/demo.py $(EVENT)

.PHONY: test
test: setup $(if $(filter Linux,$(shell uname -s)),layer-host ministack) ## all tests, Rego and Python, with coverage
	$(OPA) test --bundle policies data
	$(OPA) test --bundle samples/custom policies data
	$(OPA) test --bundle policies data --coverage --threshold 100 >/dev/null
	$(BIN)/python -m pytest -n auto --cov --cov-report=term

.PHONY: fast
fast: setup ## the quick part of the tests, for the loop of editing
	$(OPA) test --bundle policies data
	$(BIN)/python -m pytest -n auto -q -m "not slow" tests/unit

.PHONY: static
static: format-check lint types imports catalog-check docs-check template-check rego-check ## everything of `make check` that is no test

.PHONY: check
check: static test ## all that CI runs

.PHONY: format
format: setup ## format Python and Rego in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .
	$(OPA) fmt --write policies samples

.PHONY: format-check
format-check: setup
	$(BIN)/ruff format --check .
	@test -z "$$($(OPA) fmt --list policies samples)" || { echo "run 'make format': $$($(OPA) fmt --list policies samples)"; exit 1; }

.PHONY: lint
lint: setup ## ruff, and the lints for fail-open traps in policies
	$(BIN)/ruff check .
	$(BIN)/opalite policies lint policies samples/custom

.PHONY: types
types: setup ## mypy, strict
	$(BIN)/mypy
	MYPYPATH=handler:extension $(BIN)/mypy --strict extension/build_layer.py extension/layer
	MYPYPATH=handler:extension:release $(BIN)/mypy --strict release/build_release.py release/shipment

.PHONY: imports
imports: setup ## the import rules of the architecture
	$(BIN)/lint-imports --no-cache

.PHONY: catalog
catalog: setup ## write data/catalog/data.json from the policies' METADATA
	$(BIN)/opalite policies catalog policies --output data/catalog/data.json

.PHONY: catalog-check
catalog-check: setup
	$(BIN)/opalite policies catalog policies --check data/catalog/data.json

.PHONY: docs
docs: setup ## write docs/policies/ from METADATA, notes.md and examples of the policies
	$(BIN)/opalite policies docs policies --output docs/policies

.PHONY: docs-check
docs-check: setup
	$(BIN)/opalite policies docs policies --check docs/policies

.PHONY: template
template: setup ## write the generated parts of template.yaml and deploy/ (TEMPLATE_OPTIONS: --bundle, --data)
	$(BIN)/opalite template . $(TEMPLATE_OPTIONS)

.PHONY: template-check
template-check: setup
	$(BIN)/opalite template . --check $(TEMPLATE_OPTIONS)

.PHONY: rego-check
rego-check: setup ## opa check, strict and with the schemas of the input
	$(OPA) check --strict --schema policies/schemas --bundle policies data
	$(OPA) check --strict --schema policies/schemas --bundle policies data samples/custom

.PHONY: bench
bench: setup ## compare with an in-process Go loop, opa exec and opa eval on the same items
	$(BIN)/python benchmarks/compare.py

.PHONY: bench-lambda
bench-lambda: setup layer-host ## time the start of the function's sandbox, and warm events
	$(BIN)/python benchmarks/cold_start

.PHONY: wheel
wheel: setup ## build dist/opalite-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: release
release: setup ## put a release into dist/opalite-VERSION, upload nothing (VERSION, ALLOW_DIRTY=1, RELEASE_OPTIONS: --bundle, --data)
	$(BIN)/python release/build_release.py $(if $(VERSION),--version $(VERSION)) $(if $(filter 1,$(ALLOW_DIRTY)),--allow-dirty) $(RELEASE_OPTIONS)

.PHONY: lock
lock: ## pin the dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --extra dev --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis bench-data
