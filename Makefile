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
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/quire
	go build -trimpath -ldflags '-s -w' -o bin/quire ./cmd/quire

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
bench: build ## measure as in docs/performance.md; BENCH=compare or BENCH=load does one part
	@if [ "$(or $(BENCH),compare)" = compare ]; then \
		python=$$(tools/python-env.sh test); "$$python" bench/compare.py; \
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
