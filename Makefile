# The authority on commands: plain `make` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

RUST_SOURCES := $(shell find rust -name '*.rs') $(wildcard python/clientcert/_fallback/*.txt) Cargo.toml Cargo.lock
READY := $(VENV)/ready
EXTENSION := $(VENV)/extension
PROXIES := target/proxies

.DEFAULT_GOAL := help
.PHONY: help dev demo test test-rust test-python test-proxies proxies oracle differential check lint types bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

$(EXTENSION): $(READY) $(RUST_SOURCES)
	PIP_CONSTRAINT=constraints.txt $(BIN)/maturin develop --release --locked --extras cli
	@touch $@

dev: $(EXTENSION) ## Set up .venv and build the Rust core in place

demo: dev ## Run the main job on loopback: real TLS, accepted and rejected requests
	@$(BIN)/clientcert demo

test: test-rust test-python ## Test the Rust core, and the package on both backends

test-rust: $(READY) ## Test the Rust core on its own, with no Python in the process
	cargo test --locked --quiet

test-python: dev ## Test the package on both backends, in one run
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest

proxies: $(PROXIES)/ready ## Get the six proxies, without installing them into the system

$(PROXIES)/ready: tests/proxies/install.sh constraints.txt | $(READY)
	mkdir -p $(PROXIES)
	tests/proxies/install.sh $(PROXIES)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group proxies
	@touch $@

test-proxies: dev proxies ## Test each proxy with the configuration that proxy-config prints
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest tests/proxies

oracle: dev ## Compare 100,000 mutated and random certificates with Node.js, on both backends
	CI=true $(BIN)/python -m pytest tests/test_oracle.py tests/test_mutations.py --mutations 80000

differential: dev ## Compare the backends over 100,000 certificates and header values
	$(BIN)/python tests/differential.py --count 100000

lint: $(READY) ## Check format and lints
	cargo fmt --check
	cargo clippy --locked --quiet --all-targets --features python -- --deny warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: dev ## Check types, and the stub of the extension against the extension
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/usage.py
	$(BIN)/python -m mypy.stubtest clientcert._core

check: lint types test ## All of the above: what CI runs

bench: dev ## Time both backends, and the code one would write without them, in one run
	$(BIN)/python -m pytest benches/python --benchmark-enable --benchmark-columns=median,iqr,ops

clean: ## Remove what the other targets made
	rm -rf $(VENV) target dist python/clientcert/_core*
