PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install serve test format readme bench

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## set everything up in .venv

$(VENV)/installed: pyproject.toml deploy/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint deploy/constraints.txt --editable '.[dev]'
	touch $@

serve: install ## start the gateway with a demonstration requester on http://127.0.0.1:8080
	$(BIN)/mturk-gateway serve --demo

test: install ## format check, lint, strict types, all tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -n auto

format: install ## format the code and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

readme: install ## write the generated tables of README.md
	PYTHONPATH=tests $(BIN)/python -m readme

bench: install ## measure, and print the figures that the README records
	PYTHONPATH=tests $(BIN)/python -m benchmarks
