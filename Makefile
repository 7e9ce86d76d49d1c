# Everything here needs Go, and a C compiler for the race detector. The tests
# of integration/ and bench/ need servers too: CONTRIBUTING.md says which.

GO        ?= go
COUNT     ?= 20
FUZZTIME  ?= 1m
RESULTS   ?= bench/results/quick.json
DURATION  ?= 10m
SEED      ?=
DRIVER    ?= .
GOVULNDB  ?= https://vuln.go.dev

SHELL     := /bin/sh
TOOL      := $(GO) tool -modfile=$(CURDIR)/tools/go.mod
NESTED    := $(patsubst %/go.mod,%,$(wildcard integration/go.mod bench/go.mod))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# First the servers of integration/ are made ready, which says what they are: go
# test does not show it. What can't be had fails the tests that want it. Its
# packages are tested one after another: they run in real time, with servers
# beside them.
.PHONY: test
test: ## run every test of every module, with the race detector
ifneq ($(filter integration,$(NESTED)),)
	-cd integration && $(GO) run ./prepare
endif
	$(GO) test -race ./...
ifneq ($(filter integration,$(NESTED)),)
	cd integration && $(GO) test -race -p 1 -timeout 12m ./...
endif
ifneq ($(filter bench,$(NESTED)),)
	cd bench && $(GO) vet ./... && $(GO) test -race ./... # every workload once, for a moment
endif

.PHONY: chaos
chaos: ## run processes under faults for DURATION (10m), with SEED, on DRIVER (a regexp; all)
	cd integration && CONCURRENT_CHAOS_DURATION=$(DURATION) CONCURRENT_CHAOS_SEED=$(SEED) CONCURRENT_CHAOS_RESULTS=$(CURDIR)/integration/chaos/results \
		$(GO) test -race -count=1 -v -timeout 0 -run '^TestChaos$$/$(DRIVER)' ./chaos

.PHONY: soak
soak: DURATION = 30m
soak: ## have 200 goroutines use every driver for DURATION (30m): nothing grows
	cd integration && CONCURRENT_SOAK_DURATION=$(DURATION) $(GO) test -count=1 -v -timeout 0 -run '^TestWhatManyHoursUse' ./chaos

.PHONY: guarantees
guarantees: ## write the table of docs/guarantees.md anew
	cd integration && $(GO) test -count=1 -run '^TestTheDocumentSays' ./chaos -update

.PHONY: mutants
mutants: ## break the code in each way of mutations/, and require the tests to fail
	GO="$(GO)" mutations/run

.PHONY: race
race: ## run the root module's tests COUNT times (20) with the race detector
	$(GO) test -race -count=$(COUNT) -timeout 2h ./...

.PHONY: consumer
consumer: ## show that a user of package locks alone compiles and requires little
	$(GO) test -count=1 -run '^TestConsumer' -v ./internal/house

# Every step runs although an earlier one failed, so that one run shows it all.
.PHONY: lint
lint: ## run the linters, the checks of the house and govulncheck
	@rc=0; \
	for m in . $(NESTED); do \
		echo "== golangci-lint $$m"; \
		(cd $$m && $(TOOL) golangci-lint run --config $(CURDIR)/.golangci.yml ./...) || rc=1; \
	done; \
	echo "== house"; \
	$(GO) test ./internal/house || rc=1; \
	for m in . $(NESTED); do \
		echo "== go mod tidy -diff $$m"; \
		(cd $$m && $(GO) mod tidy -diff) || rc=1; \
	done; \
	GO="$(GO)" GOVULNDB="$(GOVULNDB)" tools/vuln --if-reachable . $(NESTED) || rc=1; \
	exit $$rc

.PHONY: vuln
vuln: ## run govulncheck, and fail if its database (GOVULNDB) can't be reached
	@GO="$(GO)" GOVULNDB="$(GOVULNDB)" tools/vuln . $(NESTED)

.PHONY: fmt
fmt: ## format the code as make lint wants it
	@for m in . $(NESTED); do \
		(cd $$m && $(TOOL) golangci-lint fmt --config $(CURDIR)/.golangci.yml ./...) || exit 1; \
	done

# URL=postgres://… or redis://… measures on that server alone.
.PHONY: bench
bench: ## measure every driver beside other libraries, in some minutes (ONLY=regexp chooses)
	cd bench && $(GO) test -count=1 -v -timeout 0 -run '^TestSuite$$' . -how=quick -only='$(ONLY)' -at='$(URL)' -into=results/quick.json

.PHONY: bench-full
bench-full: ## the same with longer rounds, in an hour
	cd bench && $(GO) test -count=1 -v -timeout 0 -run '^TestSuite$$' . -how=full -only='$(ONLY)' -at='$(URL)' -into=results/full.json

.PHONY: report
report: ## make docs/performance.md and the README's part of it from RESULTS (bench/results/quick.json)
	cd bench && $(GO) run ./report $(abspath $(RESULTS)) ../docs ../README.md

# The list is made first, on its own: a package that does not compile ends the
# run here instead of being passed over.
.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (1m)
	@list=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	targets=$$(echo "$$list" | awk '/^Fuzz/ { n[k++] = $$1 } $$1 == "ok" { for (i = 0; i < k; i++) print n[i], $$2; k = 0 }'); \
	if [ -z "$$targets" ]; then echo "no fuzz targets"; exit 1; fi; \
	echo "$$targets" | while read -r name pkg; do \
		echo "== $$name $$pkg"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null || exit 1; \
	done

.PHONY: tidy
tidy: ## bring go.mod and go.sum of every module up to date
	@for m in . tools $(NESTED); do \
		echo "== go mod tidy $$m"; \
		(cd $$m && $(GO) mod tidy) || exit 1; \
	done
