# make quickstart: set up, run the quickstart matrix, print its table
# make test:       set up, run the tests
# make fidelity:   hold the presets against published programs (DIR=... for other files)
# make check:      everything that a change must pass

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: quickstart test test-all fidelity lint check docs clean

quickstart: $(VENV)/.installed
	$(BIN)/golf run matrices/quickstart.yaml
	$(BIN)/golf report matrices/quickstart.yaml

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

test-all: $(VENV)/.installed-dev
	$(BIN)/pytest -m "not gpu" --cov

fidelity: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fidelity $(DIR)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

docs: $(VENV)/.installed-dev
	$(BIN)/golf factors --markdown > docs/factors.md

clean:
	rm -rf $(VENV)

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@
