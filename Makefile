# What people type. `make run` needs Python 3.11 or later and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9

.PHONY: help run demo test test-long bench lint

help:
	@echo "make run        everything in the foreground, http://127.0.0.1:8000 (PORT=)"
	@echo "make demo       play a whole referral programme against it"
	@echo "make test       the tests, in minutes"
	@echo "make test-long  races, faults, soak"
	@echo "make bench      every figure beside its limit (ONLY=name,name)"
	@echo "make lint       ruff, mypy, migrations, templates"

run: $(VENV)/runtime
	@$(BIN)/python manage.py run

demo: $(VENV)/runtime
	@$(BIN)/python -m demo

test: $(VENV)/development
	@$(BIN)/python -m pytest --ignore=tests/long --numprocesses=2 --dist=loadfile

test-long: $(VENV)/development
	@$(BIN)/python -m pytest tests/long

bench: $(VENV)/development
	@$(BIN)/python -m bench

lint: $(VENV)/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python -m tests.lint_migrations
	$(BIN)/djlint templates --lint --quiet

# The environment is brought up to date when the pins changed, and only then.
$(VENV)/runtime: requirements.txt | $(BIN)/uv
	$(call install,requirements.txt)
	@touch $@

$(VENV)/development: requirements-dev.txt requirements.txt | $(BIN)/uv
	$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/runtime

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing (Debian: apt install python3-venv)."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

# uv takes seconds where pip takes a minute; but pip knows a pip.conf, and uv does not.
define install
	@echo "Installing $(1)…"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r $(1) || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)
endef
