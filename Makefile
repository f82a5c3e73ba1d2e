# hcc-decide: `make run` starts the form, `make test` checks everything. Each sets up what it needs, once.
#
# PYTHON=…    the Python to set up with, 3.11 to 3.13     CHROMIUM=…  the browser to test with
# WORKERS=…   parallel test processes (default: auto)      ARGS=…      more arguments for the program, pytest or the benchmark

BIN := .venv/bin
WORKERS ?= auto
ARGS ?=
UV_VERSION := 0.13.8
LOCK_ARGS ?=

# Directories that have Python files now; mypy refuses one that has none.
TYPED = $(foreach dir,src app benchmarks tools tests,$(if $(shell find $(dir) -name '*.py' 2>/dev/null | head -n 1),$(dir)))

PYTEST = $(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist loadgroup

define checks
$(BIN)/ruff check
$(BIN)/ruff format --check
$(BIN)/mypy $(TYPED)
$(BIN)/lint-imports --no-logo
endef

.DEFAULT_GOAL := help
.PHONY: help run test test-fast setup setup-browser lint format bench readme docs screenshots build lock clean

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## set up, then open the form
	$(BIN)/hcc-decide form $(ARGS)

test: setup-browser ## set up, then lint, types, layers and all tests, those in a browser too
	$(checks)
	CHROMIUM="$$(cat .venv/chromium)" $(PYTEST) $(ARGS)

test-fast: setup ## the tests that need no browser, without the lint
	$(PYTEST) -m "not browser" $(ARGS)

setup: ## make .venv as locked; nothing to do when nothing changed
	@sh tools/setup.sh

setup-browser: ## the same, and Chromium for the browser tests
	@sh tools/setup.sh --browser

lint: setup ## ruff, mypy and the import layers
	$(checks)

format: setup ## let ruff format and fix what it safely can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## run the benchmark
	$(BIN)/python -m benchmarks $(ARGS)

readme: setup ## put the real output of the commands shown into README.md and docs/
	$(BIN)/python tools/refresh_outputs.py

docs: setup ## write docs/knowledge/ from the rules
	$(BIN)/python tools/build_pages.py

screenshots: setup-browser ## take docs/screenshots/ anew from the form in Chromium
	CHROMIUM="$$(cat .venv/chromium)" $(BIN)/python -m tools.take_screenshots

build: setup ## wheel and source distribution, in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

# One lock for Python 3.11 to 3.13 on Linux and macOS, with the hashes PyPI publishes. It is solved without anyone's own
# configuration, so that no other index gets into it. Versions stay as locked unless LOCK_ARGS says otherwise:
# LOCK_ARGS=--upgrade, or LOCK_ARGS="--upgrade-package streamlit". The build tools are locked apart, to agree with the rest,
# because they are installed first: durable-rules is compiled with them.
COMPILE = .venv-lock/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--default-index https://pypi.org/simple --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	$(LOCK_ARGS)
UNCONFIGURED = env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS -u UV_NO_INDEX

lock: ## solve requirements.lock and requirements-build.lock anew from pyproject.toml
	test -x .venv-lock/bin/uv || $${PYTHON:-python3} -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UNCONFIGURED) $(COMPILE) pyproject.toml --group dev --output-file requirements.lock
	$(UNCONFIGURED) $(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock

clean: ## remove .venv and everything else that was made
	rm -rf .venv .venv-lock dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
