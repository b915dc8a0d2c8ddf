# Everything a newcomer needs: `make drill` shows gpmedic at work, `make test` proves it.
# Needs Python 3.11 or newer and nothing else; all it installs goes into .venv, from uv.lock.
PYTHON ?= python3
SCENARIO ?= primary-down
GENERATION ?= 6
PICTURES ?= docs/images
VENV := .venv
INSTALLED := $(VENV)/.installed
# Compiled modules make every command and every test process seconds faster.
unexport PYTHONDONTWRITEBYTECODE
UV := env -u VIRTUAL_ENV UV_PYTHON_DOWNLOADS=never $(VENV)/bin/uv

.PHONY: help install drill test chaos bench browser docs pages lint format clean

help:
	@echo "make drill   a practice cluster loses a primary, and gpmedic recovers it (SCENARIO=$(SCENARIO) GENERATION=$(GENERATION))"
	@echo "make test    all tests"
	@echo "make chaos   long incidents of random failures on every generation (GPMEDIC_CHAOS_STEPS=20)"
	@echo "make bench   measurements for docs/benchmarks.md, on a machine at rest (PART=start, QUICK=1 to try it)"
	@echo "make docs    play every scenario of docs/ anew and show what was seen (SCENARIOS=mirror-down for those of one name)"
	@echo "make pages   only the pages: from the recordings and the settings as they are"
	@echo "make browser Prefect's page in a real browser (chromium, or GPMEDIC_BROWSER); renews the pictures in $(PICTURES)"
	@echo "make lint    ruff, mypy, and the linters of deployments/"
	@echo "make format  ruff's formatter"
	@echo "make clean   remove $(VENV) and caches"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gpmedic needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) from uv.lock (the first time takes a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@
	@echo "Installed. The command is $(VENV)/bin/gpmedic"

drill: $(INSTALLED)
	@$(VENV)/bin/gpmedic drill $(SCENARIO) --generation $(GENERATION)

test: $(INSTALLED)
	@$(VENV)/bin/pytest -q -n 4 --dist loadfile --no-loadscope-reorder

chaos: $(INSTALLED)
	@$(VENV)/bin/pytest -q -m chaos

bench: $(INSTALLED)
	@$(UV) sync --frozen --quiet --inexact --group bench
	@$(VENV)/bin/python -m bench $(PART) $(if $(QUICK),--quick)

docs: $(INSTALLED)
	@GPMEDIC_DOCS=keep $(VENV)/bin/pytest -q -m chaos tests/docs -k "$(SCENARIOS)"
	@$(VENV)/bin/python -m tests.docs.renew

pages: $(INSTALLED)
	@$(VENV)/bin/python -m tests.docs.renew

browser: $(INSTALLED)
	@GPMEDIC_SCREENSHOTS=$(PICTURES) $(VENV)/bin/pytest -q -m chaos tests/browser

lint: $(INSTALLED)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deployments/compose.yaml
	@$(VENV)/bin/hadolint deployments/Dockerfile

format: $(INSTALLED)
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
