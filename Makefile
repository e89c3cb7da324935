# What one types. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

NEEDLETAIL := .build/release/needletail
DEMO_RULES ?= rules
DEMO_EVENTS ?= fixtures/demo/events.ndjson
# What `needletail-bench` is told, such as "--json seq" for one workload as JSON.
BENCH_FLAGS ?=

.PHONY: help packages build demo test bench soak clean

help: ## List what can be made.
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

packages: ## Install the Debian packages of packages.txt that are missing, as root or through sudo.
	@.ci/packages

build: $(NEEDLETAIL) ## Build the release program, .build/release/needletail.

# Swift is asked only when a source is newer than the program, so that the demo of a built tree starts at once.
$(NEEDLETAIL): Package.swift $(shell find Sources -type f) | packages
	@swift build -c release --product needletail --static-swift-stdlib
	@touch $@

demo: build ## Run the shipped rules over a shipped log and show the alerts.
	@.ci/demo $(NEEDLETAIL) $(DEMO_EVENTS) $(DEMO_RULES)

test: packages ## Build once and run every suite within its time box; the last line counts what passed and failed.
	@.ci/run-suites test

soak: packages ## The same suites at their full volume, at most three hours.
	@.ci/run-suites soak

bench: build ## Measure events a second, file to alerts, beside the bare decoder.
	@swift build -c release --product needletail-bench --static-swift-stdlib >&2
	@.build/release/needletail-bench $(BENCH_FLAGS)

clean: ## Remove everything that was built.
	@rm -rf .build
