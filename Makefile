# `make run` and `make test` do all their set-up themselves, from a clean clone, each alone.

# The queries are checked from `.sqlx`: building needs no database.
export SQLX_OFFLINE := true
# What a later compilation could reuse of one crate's parts is gigabytes that most runs never read.
export CARGO_INCREMENTAL ?= 0
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

CARGO ?= cargo
XTASK := $(CARGO) run --quiet --package xtask --
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
FIREFOX ?= $(shell command -v firefox-esr || command -v firefox)

.PHONY: run build test check test-rust test-browser bench queries

## Builds and serves; the first page says how to go on. Ctrl-C stops it.
run: build
	target/release/baton serve

## The one file to copy: target/release/baton.
build:
	@echo "== 1/2 side by side: the site (its tool first, then wasm and styles), and all of the server that needs no site"
	$(MAKE) --no-print-directory --jobs=2 release-site release-library
	@echo "== 2/2 the server, with the site and the migrations in it"
	$(CARGO) build --release --package server

.PHONY: release-site release-library
release-site:
	$(CARGO) build --package xtask
	$(XTASK) site --release

release-library:
	$(CARGO) build --release --package server --lib

## Everything that must hold.
test: check test-rust test-browser

## Formatting, lints (also as the browser compiles it), dependencies, query metadata.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- --deny warnings
	$(XTASK) wasm-target
	$(CARGO) clippy --package frontend --package app --target wasm32-unknown-unknown --target-dir target/wasm -- --deny warnings
	$(XTASK) dependencies
	$(CARGO) run --quiet --package xtask --features queries -- queries --check

## Unit, property, store, engine and API tests, on a scratch Postgres.
test-rust:
	$(XTASK) with-postgres $(CARGO) test

## A browser that uses the pages, on a scratch Postgres.
test-browser: end2end/node_modules/.package-lock.json
	@test -n "$(CHROMIUM)" || $(MAKE) --no-print-directory install-chromium
	@test -n "$(FIREFOX)" || $(MAKE) --no-print-directory install-firefox-esr
	$(XTASK) site
	$(CARGO) build --package server
	$(XTASK) with-postgres npm --prefix end2end test

BENCHES := --package scheduler --package engine --package server --bench core --bench dispatch --bench http --bench pages

## Figures, on a scratch Postgres that syncs its commits: half an hour, BATON_BENCH=quick some minutes.
bench:
	$(XTASK) site --release
	$(CARGO) bench --no-run $(BENCHES)
	$(XTASK) with-postgres --durable $(CARGO) bench $(BENCHES)

## Pictures of every page, full and empty, in both themes, for a phone and a desk: look at them in
## target/screenshots. Those of the README go to docs/screenshots.
screenshots: end2end/node_modules/.package-lock.json
	@test -n "$(CHROMIUM)" || $(MAKE) --no-print-directory install-chromium
	$(XTASK) site --release
	$(CARGO) build --package server
	$(XTASK) with-postgres npm --prefix end2end run screenshots

## The pictures in public: what a link to Baton shows elsewhere, and the icon of a home screen.
pictures: end2end/node_modules/.package-lock.json
	@test -n "$(CHROMIUM)" || $(MAKE) --no-print-directory install-chromium
	npm --prefix end2end run pictures

end2end/node_modules/.package-lock.json: end2end/package-lock.json
	npm --prefix end2end ci --no-audit --no-fund

.PHONY: screenshots pictures install-chromium install-firefox-esr
install-chromium install-firefox-esr: install-%:
	@echo "== installing $*, once"
	@test "$$(id -u)" = 0 || { echo "please install $*: the browser tests need it"; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $*

## Renews .sqlx after a change of queries or migrations.
queries:
	$(CARGO) run --quiet --package xtask --features queries -- queries
