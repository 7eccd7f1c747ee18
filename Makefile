# The commands of Similook. `make demo` and `make test` are all that a newcomer needs.
PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Ports of the demo; empty: 8000 and 8501, or what SIMILOOK_PORT and SIMILOOK_PAGE_PORT say.
PORT ?=
PAGE_PORT ?=
DATA ?= ../shared/data
OUT ?= build/train

SERVING := $(wildcard Backend/requirements.txt Frontend/requirements.txt Model/requirements.txt Data/requirements.txt) pyproject.toml
EVERYTHING := $(SERVING) requirements.txt requirements-dev.txt Model/training/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-serving check format lint types imports bench proof train compose-test clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Similook needs Python 3.11 or newer; pass PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(SERVING) | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -r Backend/requirements.txt -r Frontend/requirements.txt
	@touch $@

$(VENV)/.serving-tests: $(VENV)/.serving requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -r requirements-dev.txt
	@touch $@

$(VENV)/.everything: $(EVERYTHING) | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -r requirements.txt
	@touch $(VENV)/.serving $(VENV)/.serving-tests $@

setup: $(VENV)/.serving  ## Install what serving needs (no torch) into .venv.

demo: setup  ## Draw and index the sample catalogue, start the API and the page; Ctrl-C stops both.
	$(BIN)/similook demo $(if $(PORT),--port $(PORT)) $(if $(PAGE_PORT),--page-port $(PAGE_PORT))

test: $(VENV)/.everything  ## Install everything, torch included, and run the whole suite.
	$(BIN)/python -m pytest -m "not proof" $(PYTEST_ARGS)

test-serving: $(VENV)/.serving-tests  ## The suite without torch and its tests.
	$(BIN)/python -m pytest -m "not proof and not torch" $(PYTEST_ARGS)

check: $(VENV)/.everything  ## Format, lint, types, import contracts, tests: what CI runs.
	$(BIN)/ruff format --check .
	$(MAKE) lint
	$(MAKE) types
	$(MAKE) imports
	$(MAKE) test

format: $(VENV)/.everything  ## Format and mend what the linter can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.everything  ## What the linter finds.
	$(BIN)/ruff check .

types: $(VENV)/.everything  ## mypy --strict over the four rooms.
	$(BIN)/mypy

imports: $(VENV)/.everything  ## Which room may import which.
	$(BIN)/lint-imports

bench: $(VENV)/.everything  ## Benchmarks with their baselines in the same run; results go to docs/results.
	$(BIN)/python -m benchmarks

proof: $(VENV)/.everything  ## Long proofs: kills, soak, a million vectors.
	$(BIN)/python -m pytest -m proof --timeout 7200 $(PYTEST_ARGS)

train: $(VENV)/.everything  ## Train the three networks from the public sets in DATA into OUT.
	$(BIN)/python -m Data.sample.cut_outs $(OUT)/drawings
	$(BIN)/python -m Model.training.recipe --data $(DATA) --out $(OUT) --drawings $(OUT)/drawings $(TRAIN_ARGS)

compose-test: $(VENV)/.serving-tests  ## Build the containers and prove docker-compose.yml (needs a Docker engine).
	$(BIN)/python -m pytest tests/compose -m proof --timeout 3600 $(PYTEST_ARGS)

clean:  ## Remove what the tools left; the catalogue in .similook stays.
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
