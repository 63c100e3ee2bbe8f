# `make demo` and `make test` each do all of their set-up, on a fresh machine too; a second run sets up nothing.
# Needs Rust 1.95, a C compiler and Python 3.11 or newer; PYTHON=... chooses another Python.
PYTHON ?= $(shell .ci/prerequisites python)
CARGO ?= cargo
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# What the extension module is built from, and what is installed with it.
SOURCES = pyproject.toml Cargo.toml Cargo.lock $(shell find rust python/kafkalite -type f \( -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' \))

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench docs lock peers test-rust test-python clean
.DELETE_ON_ERROR:

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: $(VENV)/installed ## replay a year of real flights through a broker in this process, and check that every one arrived
	$(BIN)/kafkalite demo

test: lint test-rust test-python ## everything that .ci/run runs: lint, Rust's tests, Python's tests with other people's clients
	@echo "lint, Rust tests and Python tests: all passed"

lint: $(VENV)/developer ## formatting, clippy, documentation's links, ruff, mypy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/developer ## put the sources into the form that lint wants
	$(CARGO) fmt --all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-rust: peers ## Rust's tests
	$(CARGO) test --workspace --locked

test-python: $(VENV)/developer $(VENV)/installed peers ## Python's tests
	$(BIN)/python -m pytest

bench: $(VENV)/developer $(VENV)/installed peers ## criterion's benches, then kafkalite beside Apache Kafka with the same client
	$(CARGO) bench --workspace --locked
	$(BIN)/python benches/compare.py
	$(BIN)/python benches/groups.py
	$(BIN)/python benches/partitions.py

docs: ## the crates' documentation, in target/doc
	$(CARGO) doc --workspace --no-deps --locked

# Other people's brokers and clients. Where one cannot be had its tests skip with the reason, unless KAFKALITE_REQUIRE_PEERS=1.
peers: $(VENV)/peers
$(VENV)/peers: $(wildcard tests/peers/* tests/peers/*/* tests/peers/*/*/*) | $(VENV)/created
	@for peer in kafka kafka-1.1.1 java-client franz-go kafka-go kafkajs kcat zookeeper; do \
	  echo "peer $$peer"; tests/peers/$$peer install || [ "$${KAFKALITE_REQUIRE_PEERS:-0}" != 1 ] || exit 1; \
	done
	@touch $@

$(VENV)/created:
	@.ci/prerequisites check
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# The wheel is what users get, so it is what is tried: built as a release, installed as a wheel.
$(VENV)/installed: $(SOURCES) $(VENV)/demo
	rm -rf target/wheels
	$(BIN)/maturin build --release --locked --quiet --out target/wheels
	$(PIP) --no-deps --force-reinstall target/wheels/kafkalite-*.whl
	@touch $@

$(VENV)/demo: requirements/demo.txt | $(VENV)/created
	$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/developer: requirements/dev.txt | $(VENV)/created
	$(PIP) --require-hashes -r $<
	@touch $@

lock: $(VENV)/developer ## choose new versions of everything in requirements/, within what pyproject.toml allows
	$(LOCK) --group dev --extra demo -o requirements/dev.txt --upgrade pyproject.toml
	$(LOCK) --group build --extra demo -o requirements/demo.txt -c requirements/dev.txt pyproject.toml
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

clean: ## forget the environment; target/ stays, it is slow to build
	rm -rf $(VENV)
