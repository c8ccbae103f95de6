# Every target that needs the set-up runs it first: it only looks when all is there.

MAKEFLAGS += --no-print-directory
# Debian's su keeps /usr/sbin off PATH, where dockerd and iptables live.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# Compiled anew in every process, imports take longer than dockerd's start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup netlab test lint bench mutate death trial fuzz fresh clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16
	@echo '  ARGS="-k web" is passed on to pytest.'

setup: ## install what is missing: system packages, .venv
	@tools/setup.sh

netlab: setup ## run the scenarios on a private Docker engine (as root)
	@.venv/bin/pytest -m netlab --netlab-strict $(ARGS)

lint: setup ## ruff, mypy, import-linter
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

test: lint ## lint, then all tests and scenarios
	@.venv/bin/pytest -n2 --dist=loadfile --no-loadscope-reorder $(ARGS)

bench: setup ## times, as ratios to named peers of the same run (minutes)
	@.venv/bin/python -m pip -q install --group bench
	@.venv/bin/python benchmarks/bench_core.py --growth $(ARGS)
	@.venv/bin/python benchmarks/bench_run.py
	@.venv/bin/python benchmarks/bench_replay.py

mutate: setup ## break goldens and labs on purpose: all must turn red (minutes)
	@.venv/bin/pytest-netlab mutate $(ARGS)
	@.venv/bin/pytest-netlab mutate --live $(ARGS)

death: setup ## kill runs at random, 100 times: nothing may be left (minutes)
	@seed=$${NETLAB_DEATH_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; \
	echo "seed $$seed: NETLAB_DEATH_SEED=$$seed make death draws the same again"; \
	NETLAB_DEATH_SEED=$$seed NETLAB_DEATH_DRAWS=$${NETLAB_DEATH_DRAWS:-100} \
	.venv/bin/pytest tests/integration/lab/test_death_table.py $(ARGS)

trial: setup ## count false alarms: 300 runs on a busy host (a quarter of an hour)
	@.venv/bin/python benchmarks/trial.py $(ARGS)

fuzz: setup ## fuzz reader, nat and diff, compiled with sanitizers (ten minutes)
	@tests/fuzz/build_sanitized.sh $(or $(ARGS),-max_total_time=300)

fresh: setup ## run `make netlab` in a machine with nothing installed (minutes)
	@NETLAB_FRESH=1 .venv/bin/pytest tests/integration/test_fresh_machine.py $(ARGS)

clean: ## remove .venv and everything built
	@rm -rf .venv build dist netlab-artifacts ./*.egg-info .coverage* .hypothesis .*_cache
	@find . -name .git -prune -o -name __pycache__ -prune -exec rm -rf {} +
	@find plugin -name '*.cpython-*.so' -delete
