# Everything is made below bin/ and the cache folder, .cache unless QUIRE_CACHE
# names another; nothing outside this folder is changed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE := $(abspath $(or $(QUIRE_CACHE),.cache))
LINT_VERSION := 2.15.0
LINT := $(CACHE)/bin/golangci-lint

export QUIRE_CACHE := $(CACHE)
export QUIRE_BIN := $(CURDIR)/bin/quire

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The pages are built anew when what they are made of has changed. Without
# Node.js the binary has a page that says what is missing.
WEB := $(shell find web/src web/public web/scripts web/*.html web/*.json web/*.ts internal/gen/openapi/openapi.json -type f -not -path 'web/src/gen/*' 2>/dev/null)

.PHONY: build
build: $(if $(shell command -v npm),web/node_modules/.built) ## build bin/quire and bin/quire-executor, the pages first where there is Node.js
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/quire-executor ./cmd/quire-executor
	sum=$$(sha256sum <bin/quire-executor); \
	go build -trimpath -ldflags "-s -w -X main.executorSum=$${sum%% *}" -o bin/quire ./cmd/quire

web/node_modules/.installed: web/package-lock.json
	npm --prefix web ci --no-progress
	@touch $@

web/node_modules/.built: web/node_modules/.installed $(WEB)
	npm --prefix web run --silent build
	@touch $@

test/web/node_modules/.installed: test/web/package-lock.json
	npm --prefix test/web ci --no-progress
	@touch $@

.PHONY: demo
demo: build ## start a server and run examples/sales-report.ipynb through its API
	@tools/demo.sh

.PHONY: test
test: build ## set up what the tests need and run them all, the clients' too
	@QUIRE_TEST_PYTHON=$$(tools/python-env.sh test); export QUIRE_TEST_PYTHON; \
	race=-race; \
	if [ "$$(go env CGO_ENABLED)" != 1 ]; then race=; echo 'no C compiler: testing without the race detector'; fi; \
	go test $$race -shuffle=on ./...; \
	for mod in test/*/go.mod; do \
		[ -e "$$mod" ] || continue; \
		go -C "$${mod%/go.mod}" test -count=1 ./...; \
	done
	@$(MAKE) --no-print-directory test-web

.PHONY: test-web
test-web: build test/web/node_modules/.installed ## test the pages, in Chromium too
	@npm --prefix web test; \
	tools/chromium.sh; QUIRE_TEST_PYTHON=$$(tools/python-env.sh test); export QUIRE_TEST_PYTHON; \
	npm --prefix test/web test

.PHONY: screenshots
screenshots: build test/web/node_modules/.installed ## write docs/pages/*.png anew
	@tools/chromium.sh; QUIRE_TEST_PYTHON=$$(tools/python-env.sh test); export QUIRE_TEST_PYTHON; \
	npm --prefix test/web run screenshots

.PHONY: lint
lint: ## run golangci-lint with the rules of .golangci.yml
	@if [ "$$($(LINT) version --short 2>/dev/null)" != $(LINT_VERSION) ]; then \
		echo 'installing golangci-lint $(LINT_VERSION)'; \
		GOBIN=$(CACHE)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION); \
	fi
	$(LINT) run ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME, 30s unless set
	@QUIRE_TEST_PYTHON=$$(tools/python-env.sh test); export QUIRE_TEST_PYTHON; \
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' nbformat jupyter internal | sort | while IFS=: read -r file name; do \
		echo "$${file%/*} $${name#func }"; \
		go test -run '^$$' -fuzz "^$${name#func }\$$" -fuzztime $(or $(FUZZTIME),30s) "./$${file%/*}" </dev/null; \
	done

.PHONY: soak
soak: build ## break things at random for SOAK_TIME, 10m unless set; SOAK_SEED repeats a run
	@QUIRE_TEST_PYTHON=$$(tools/python-env.sh test); export QUIRE_TEST_PYTHON; \
	go test -count=1 -timeout 0 -v -run '^TestSoak$$' ./internal/soak -soak.slack 1 \
		-soak.time $(or $(SOAK_TIME),10m) -soak.seed $(or $(SOAK_SEED),0) $(if $(SOAK_FAULTS),-soak.faults $(SOAK_FAULTS))

.PHONY: bench
bench: build ## measure as in docs/performance.md; BENCH=compare, short or load does one part
	@if [ "$(or $(BENCH),compare)" != load ]; then \
		python=$$(tools/python-env.sh test); "$$python" bench/compare; \
	fi
	@if [ "$(or $(BENCH),load)" = load ]; then \
		go build -o bin/load ./bench/load; \
		bin/load -history bench/load.jsonl $(LOAD); \
	fi

.PHONY: bench-warm
bench-warm: build ## measure forked kernels against cold ones
	@python=$$(tools/python-env.sh test); "$$python" bench/warm.py

.PHONY: generate
generate: ## write internal/gen anew from api/
	@tools/generate.sh
