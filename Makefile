# The few commands of daily work. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help demo test lint test-rust test-browser test-cluster cluster soak bench fmt web build-tools test-tools

help: ## what each command does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

demo: web ## build Landfall and run the main job: a sample product on a simulated cluster, then stay up
	cargo build --package landfall
	$(TARGET_DIR)/debug/landfall demo $(ARGS)

test: test-tools web lint test-rust test-browser ## everything CI runs; installs what it needs

lint: web ## formatting, clippy, types and unit tests of the browser side
	cargo fmt --all --check
	npm --prefix web run --silent check
	npm --prefix web run --silent test
	cargo clippy --workspace --all-targets -- --deny warnings
	cargo clippy --manifest-path fuzz/Cargo.toml -- --deny warnings

test-rust: test-tools web ## unit, storage and end-to-end tests; those on a real Kubernetes control plane where Go can build it
	scripts/build-cluster --where-possible
	scripts/with-postgres cargo test --workspace

test-browser: test-tools web ## the whole path through the pages in Chromium
	cargo build --package landfall
	scripts/install-browser-tests
	LANDFALL=$(TARGET_DIR)/debug/landfall npm --prefix tests/browser test --silent

test-cluster: test-tools web ## what runs on a real Kubernetes control plane alone; builds it first, which takes Go and minutes
	cd tests/cluster && test -z "$$(gofmt -l .)" && CGO_ENABLED=0 go vet -trimpath ./... && CGO_ENABLED=0 go test -trimpath ./...
	scripts/build-cluster
	cargo test --package rollout --test cluster -- culprits
	cargo test --package landfall -- kubernetes sample_product api_server

cluster: ## start a real Kubernetes control plane without containers, for kubectl and helm
	@scripts/run-cluster

soak: test-tools web ## the long forms of the tests
	scripts/with-postgres scripts/soak

bench: test-tools web ## the budgets as tables: against Helm, warm renders, a deployment, idle memory, the product at size
	cargo build --profile dist --package landfall --package benches
	scripts/with-postgres $(TARGET_DIR)/dist/landfall-bench --landfall $(TARGET_DIR)/dist/landfall $(ARGS)

fmt: ## format everything
	cargo fmt --all

web: build-tools web/dist/.built ## bundle the browser side

web/dist/.built: $(WEB_SOURCES)
	npm --prefix web ci --silent
	npm --prefix web run --silent build
	@touch $@

build-tools:
	@scripts/install-build-tools

test-tools:
	@scripts/install-build-tools
	@scripts/install-test-tools
