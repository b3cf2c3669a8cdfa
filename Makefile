# Two commands are enough: `make demo` and `make test`. Each does its own set-up in .venv, which is ours to remake.

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
UV := uv==0.13.9
WHEELS := $(if $(wildcard wheels/*.whl),--no-index --find-links wheels,)
BIN := .venv/bin
HOME_DIR ?= .keyong
CORES := $(shell nproc 2>/dev/null || echo 2)

.PHONY: demo test check bench clean offline lock

demo: .venv/runtime
	$(BIN)/keyong --home $(HOME_DIR) demo

test: .venv/dev
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup --durations 20 $(TESTS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup --durations 20

bench: .venv/dev
	$(BIN)/python bench/run.py
	$(BIN)/python bench/record.py
	$(BIN)/python bench/revocation.py
	$(BIN)/python bench/desk.py

# A folder of wheels with everything for `make demo` on a machine without network.
offline: .venv/runtime
	mkdir -p wheels
	$(BIN)/python -m pip download -q --disable-pip-version-check -d wheels -r requirements.lock
	$(BIN)/python -m pip download -q --disable-pip-version-check -d wheels $(UV) hatchling editables
	@echo "wheels/ is complete: copy this folder to the other machine and type make demo there"

# Never touches evidence: homes (.keyong*) stay.
clean:
	rm -rf .venv wheels dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# After changing the dependencies in pyproject.toml.
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate -q
lock: .venv/uv
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -o requirements-dev.lock

.venv/uv: Makefile
	@[ -n "$(PYTHON)" ] || { echo "需要 Python 3.11 或 3.12：请先安装，或用 make PYTHON=/path/to/python3.11 指明"; \
	  echo "Python 3.11 or 3.12 is needed: install one, or name it with make PYTHON=/path/to/python3.11"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check $(WHEELS) $(UV)
	@touch $@

.venv/runtime: .venv/uv requirements.lock pyproject.toml
	$(BIN)/uv pip install -q --python $(BIN)/python $(WHEELS) --require-hashes -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python $(WHEELS) --no-deps -e .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(BIN)/uv pip install -q --python $(BIN)/python $(WHEELS) --require-hashes -r requirements-dev.lock
	@touch $@
