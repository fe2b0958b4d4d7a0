# Everything starts from a machine with Python 3.11 or newer, git and make. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

RUN_MODULE = $(BIN)/python -m
# One more than there are cores: tests also wait for processes and disks.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 6))')
# Whatever the shell says of bytecode: the tests start many processes, and compiling all modules takes each of them seconds.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

# How many times as many examples `make fuzz` tries.
FUZZ_TIMES = 20

.DEFAULT_GOAL := help

run: $(VENV)/.server ## start the server (SQLite, nothing to configure)
	@$(BIN)/mergecost serve $(ARGS)

test: $(VENV)/.dev ## run every test, on SQLite and PostgreSQL, and against an emulator of GitHub
	@$(RUN_MODULE) pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

coverage: $(VENV)/.dev ## the same, and fail when the tests run too little of the code; slower
	@$(BIN)/coverage erase
	@$(MAKE) --no-print-directory test RUN_MODULE='$(BIN)/coverage run -m'
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

fuzz: $(VENV)/.dev ## try every property on many more examples than `make test` does: make fuzz ARGS="tests/webhooks"
	@FUZZ_TIMES=$(FUZZ_TIMES) $(RUN_MODULE) pytest --numprocesses $(WORKERS) --dist worksteal -m hypothesis $(ARGS)

audit: $(VENV)/audit ## look up known weaknesses of what is pinned, as far as a registry answers
	@$(VENV)/audit/bin/python -m deploy.audit

demo: $(VENV)/.dev ## play a week in a small repository, without account or network, and show the comments
	@$(BIN)/python -m tests.demo

lint: $(VENV)/.dev ## check style, types and the import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

look: $(VENV)/.dev ## render Markdown as GitHub does: make look ARGS="FILE.md --out DIR" (needs Chromium)
	@$(BIN)/python -m tests.look $(ARGS)

bench: $(VENV)/.dev ## measure against peers: webhook acknowledgement, log scan; and the guard (needs npm)
	@$(BIN)/python -m benchmarks.webhooks
	@$(BIN)/python -m benchmarks.scan
	@$(BIN)/python -m benchmarks.guard

soak: $(VENV)/.dev ## two replicas in bad weather for 20 minutes, and whether every figure is exact: make soak ARGS="--minutes 2"
	@$(BIN)/python -m benchmarks.soak $(ARGS)

lock: $(VENV)/.bootstrap ## write the lock files anew: names, versions and hashes
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --extra server pyproject.toml -o deploy/lock/server.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --extra server --extra dev pyproject.toml -o deploy/lock/dev.txt
	@echo 'pip-audit>=2.10,<3' | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o deploy/lock/audit.txt

images: ## the images of Compose by digest, as variables: make images > deploy/.env (needs docker)
	@sed -n 's/.*$${\([A-Z]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' deploy/compose.yml | while read -r name image; do \
		digest=$$(docker buildx imagetools inspect "$$image" --format '{{.Manifest.Digest}}' </dev/null) || exit 1; \
		echo "$$name=$$image@$$digest"; done

clean: ## remove what was installed and made here
	rm -rf $(VENV) tests/e2e/node_modules tests/look/node_modules benchmarks/*/node_modules .coverage*

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.bootstrap: deploy/lock/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mergecost needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/lock/bootstrap.txt
	@touch $@

$(VENV)/.server: $(VENV)/.bootstrap deploy/lock/server.txt pyproject.toml
	@test -e $(VENV)/.dev || $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r deploy/lock/server.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.bootstrap deploy/lock/dev.txt pyproject.toml
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r deploy/lock/dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.server

$(VENV)/audit: $(VENV)/.bootstrap deploy/lock/audit.txt
	@$(PYTHON) -m venv $@
	@$(BIN)/uv pip install -q --python $@/bin/python --require-hashes -r deploy/lock/audit.txt
	@touch $@

.PHONY: run test coverage demo lint look bench soak lock images fuzz audit clean help
