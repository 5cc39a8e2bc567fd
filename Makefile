PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKS := deploy/locks

.DEFAULT_GOAL := help
.PHONY: help install serve test audit format readme bench fuzz lock

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## set everything up in .venv

$(VENV)/installed: pyproject.toml $(LOCKS)/build.txt $(LOCKS)/develop.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCKS)/build.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(LOCKS)/develop.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

serve: install ## start the gateway with a demonstration requester on http://127.0.0.1:8080
	$(BIN)/mturk-gateway serve --demo

test: install ## format check, lint, strict types, all tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -n auto

audit: install ## ask whether anything that is locked has a known vulnerability
	$(BIN)/python deploy/audit.py

format: install ## format the code and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

readme: install ## write the generated tables of README.md
	PYTHONPATH=tests $(BIN)/python -m readme

bench: install ## measure, and print the figures that the README records
	PYTHONPATH=tests $(BIN)/python -m benchmarks

fuzz: install ## fuzz for long, and print the counts that the README records
	PYTHONPATH=tests $(BIN)/python -m fuzzing

# Hashes of everything that PyPI has of a version, for all systems; the three agree, because the first binds the others.
compile = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-config --default-index https://pypi.org/simple --custom-compile-command 'make lock'

lock: install ## write the locks anew, with the newest versions that pyproject.toml allows
	$(compile) --all-extras --group build --output-file $(LOCKS)/develop.txt pyproject.toml
	$(compile) --constraint $(LOCKS)/develop.txt --output-file $(LOCKS)/run.txt pyproject.toml
	$(compile) --constraint $(LOCKS)/develop.txt --output-file $(LOCKS)/build.txt --group build
