# `make demo` and `make check` do all the set-up there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTEST := $(BIN)/pytest

.PHONY: help env demo check check-long check-all lint soak clean
help:
	@echo 'make demo        the main job on virtual routers, with an HTML report under build/reports/'
	@echo 'make check       lint, types, tests (under 10 minutes)'
	@echo 'make check-all   all of CI: the above, the demo and the long suites'
	@echo 'make soak        what CI samples, in full; takes long'
	@echo 'make clean       forget the environment and all that was built'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

env: $(STAMP)

demo: $(STAMP)
	@sh docs/demo.sh $(BIN)/sipalg-fix

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy sipalg_fix

check: $(STAMP) lint
	@.ci/packages
	$(PYTEST) -n 4 --dist worksteal -m 'not long and not qemu and not soak'

check-long: $(STAMP)
	@.ci/packages all
	$(PYTEST) -n 2 --dist worksteal -m '(long or qemu) and not soak'

check-all:
	.ci/run

# Everything that CI only samples, in full, with its sizes: some hours. The paths of the probe alone take about 16
# minutes; kills and troubles wait more than they compute, so that four share two processors.
soak: $(STAMP)
	@.ci/packages all
	$(BIN)/pip install --quiet --disable-pip-version-check --group soak
	$(BIN)/python -m tests.fuzz.soak 60
	SOAK=20 $(PYTEST) -n 2 --dist worksteal -m 'not long and not root and not qemu and not soak'
	SOAK=20 $(PYTEST) -s -m 'long or root or soak' tests/real
	SOAK=20 $(PYTEST) -n 4 --dist worksteal -rP -m long tests/crash tests/faults

clean:
	rm -rf $(VENV) build
