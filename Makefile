# Every target sets up .venv by itself when it is missing or older than the lock.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Processes that share the tests: two, or the machine's processors up to four; each takes up to 2 GB.
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; [ $$n -lt 2 ] && n=2; echo $$n)

# DVC finds its stages' commands (rmsnet, python) on PATH; no dependency reports home.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export GX_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export HF_HUB_DISABLE_TELEMETRY := 1

# A stage, a test: each is a process of its own, which reads what the one before has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check quick pytest fuzz bench dist docs lint format containers cluster-test clean distclean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY) ## install the locked dependencies into .venv

$(READY): pyproject.toml requirements.lock $(wildcard rmsnet/network/kernels*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rmsnet needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(READY) ## simulate a dataset, prove it is the pinned one, run the whole pipeline and a champion's story on it
	rmsnet data simulate --out data
	@status=$$(dvc data status --json data) || exit 1; case "$$status" in \
	  *'"uncommitted"'*) echo "data/ is not the dataset that data.dvc pins; to make that one again: make clean demo"; exit 1;; \
	  *) echo "data/ is bit for bit the dataset that data.dvc pins";; \
	esac
	dvc commit --quiet data.dvc
	@was=$$(cat dvc.lock demo/dvc.lock 2>&1); echo "dvc repro --all-pipelines"; dvc repro --all-pipelines || exit 1; \
	test "$$was" != "$$(cat dvc.lock demo/dvc.lock)" || echo "nothing has changed since the last time"
	@cat reports/registration/summary.md
	@echo
	@rmsnet registry history --short
	@echo "How each was decided:       reports/registration/decision.html, reports/better/decision.html, reports/worse/decision.html"
	@echo "What the gate has borne:    $(BIN)/rmsnet registry gate --features features --explain"
	@echo "Whether all this is true:   $(BIN)/rmsnet registry audit; $(BIN)/rmsnet registry verify 2"
	@echo "Plots, runs, registry:      evaluation/*/test/report.html; $(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db"

lint: $(READY) ## formatter, linter, type checker
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## rewrite the sources as the formatter wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY) ## formatter, linter and type checker, and beside them every test
	$(MAKE) --no-print-directory -j 2 lint pytest

# The rooms whose tests start no server and train nothing; what is slow there is left out.
QUICK := dataset evaluation features network reading simulation spotting style commands
check: $(READY) ## for the inner loop: formatter, linter, type checker, and the quick tests of the rooms behind the rest
	$(MAKE) --no-print-directory -j 2 lint quick

quick: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow" $(addprefix tests/,$(QUICK)) tests/test_architecture.py

pytest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

fuzz: $(READY) ## break every file that is read, for minutes; RMSNET_FUZZ_SEED=… does the same once more
	@seed=$${RMSNET_FUZZ_SEED:-$$(date +%s)}; echo "RMSNET_FUZZ_SEED=$$seed"; \
	RMSNET_FUZZ_SEED=$$seed RMSNET_FUZZ_EXAMPLES=$${RMSNET_FUZZ_EXAMPLES:-500} OMP_NUM_THREADS=1 \
	  $(BIN)/pytest -n 2 --dist load tests/fuzz

bench: $(READY) ## every benchmark, short, and a page with this machine's numbers beside ours: bench/report.html
	$(BIN)/python -m benchmarks --out bench

dist: $(READY) ## wheel and source distribution in dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -c "from setuptools import build_meta; build_meta.build_sdist('dist')"

docs: $(READY) ## build the documentation into site/: open site/index.html
	$(BIN)/sphinx-build -q -W -b html -d site/.doctrees docs site

containers: $(READY) ## build the image and run the training DAG in real containers (docs/kubeflow.md)
	deploy/containers.sh

cluster-test: $(READY) ## run every pipeline on a real cluster: KFP_HOST=... DEPLOYMENT=FILE SOURCE=... make cluster-test
	@test -n "$$KFP_HOST" -a -n "$$DEPLOYMENT" -a -n "$$SOURCE" || { echo "set KFP_HOST, DEPLOYMENT and SOURCE (docs/kubeflow.md)"; exit 2; }
	$(BIN)/pytest -s -v tests/cluster

clean: ## remove what the pipeline made (data, features, models, studies, reports); keep .venv and the tracking store
	rm -rf data features models evaluation reports studies pipeline-runs site bench

distclean: clean ## remove everything that git does not track, .venv and the local MLflow store included
	rm -rf .venv mlruns mlartifacts mlflow-spool mlflow.db* .mlflow.db* .*.lock .*.partial* .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
