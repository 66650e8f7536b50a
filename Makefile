# Each target sets up the virtual environment when needed. `make help` lists the targets.
#
#   make run ARGS="02 --dataset folder --data-root my_pictures"    arguments for the command behind the target
#   make test VENV=some/other/venv PYTHON=python3.12               another environment, another Python

SHELL := bash
VENV ?= .venv
PYTHON ?=
ARGS ?=

BIN = $(VENV)/bin
STAMP = $(VENV)/ferkit-installed
WANTED = { pwd; cat requirements.txt pyproject.toml; }
CORES = --numprocesses=logical --maxprocesses=4 --dist=worksteal
# A slow test that hangs says where after 10 minutes, and fails after 15.
LIMITS = -o faulthandler_timeout=600 --timeout=900 --timeout-method=thread

.DEFAULT_GOAL := help
.PHONY: help run test test-slow campaign lab docs figures notebooks study judge displacement weights bench lint setup clean

help:
	@echo 'make run      run all notebooks; ends with a table of results and the path of index.html'
	@echo 'make test     run all tests but the slow ones'
	@echo 'make test-slow  run the slow tests, such as the notebooks at level paper in miniature, half an hour'
	@echo 'make campaign  mutate inputs and state and kill at file events, for 20 minutes (ARGS="--seed 1")'
	@echo 'make lab      open the notebooks in JupyterLab'
	@echo 'make docs     build the site of notebooks, pages and functions: build/site/index.html'
	@echo 'make figures  redraw every figure from its saved numbers'
	@echo 'make notebooks  run the committed notebooks in place and keep their outputs and figures'
	@echo 'make study    train all papers five times until they have learnt, and judge their claims (hours)'
	@echo 'make judge JUDGE=folder   ask the judge in that folder about the drawn expressions; it needs Node'
	@echo 'make displacement         measure how far drawn expressions move the face'
	@echo 'make weights  draw people, train the models that ferkit predict uses, and write their weights '
	@echo 'make bench    measure speed beside the usual ways; writes docs/speed.md'
	@echo 'make lint     check style and types'
	@echo 'make clean    delete build/ and the caches of tools; the environment stays'
	@echo 'Options: ARGS="..." for the command behind the target, VENV=folder, PYTHON=python3.12'

run: setup
	@"$(BIN)/ferkit" run $(ARGS)

test: head
	@"$(BIN)/python" -m pytest $(CORES) $(ARGS)

test-slow: head
	@$(MAKE) --no-print-directory docs-packages || \
	    echo 'The packages of `make docs` cannot be installed; tests of the site will be skipped' >&2
	@"$(BIN)/python" -m pytest $(CORES) $(LIMITS) -m slow $(ARGS)

# The head of the drawn faces is made once, rather than by each process of the tests.
.PHONY: head
head: setup
	@"$(BIN)/python" -c 'from ferkit.drawn.head import load_head; load_head()'

campaign: setup
	@"$(BIN)/python" tests/campaign.py $(ARGS)

# Settings of JupyterLab are in .jupyter: no news, no question about them.
lab: setup
	@JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
	    "$(BIN)/jupyter" lab notebooks $(ARGS)

docs: docs-packages
	@"$(BIN)/python" -c 'from ferkit.workbook.site import build_site; print(build_site())'

# Sphinx and its theme are installed when first needed.
.PHONY: docs-packages
docs-packages: setup
	@"$(BIN)/python" -c 'import furo, myst_nb' 2>/dev/null || \
	    "$(BIN)/python" -m pip install --quiet --disable-pip-version-check -e '.[docs]'

figures: setup
	@"$(BIN)/python" -c 'from ferkit.plots import redraw_all; print(redraw_all("figures").to_string(index=False))'

# Run the committed notebooks in place, at `lesson`; their figures go to figures/.
notebooks: setup
	@"$(BIN)/python" -c 'from ferkit.workbook.publish import publish; publish()'

study: setup
	@"$(BIN)/ferkit" study $(ARGS)

# The judge is no part of ferkit: its folder holds judge.mjs (.github/CONTRIBUTING.md).
JUDGE ?=
JUDGED = $(CURDIR)/build/judge
judge: setup
	@test -f "$(JUDGE)/judge.mjs" || { echo 'name the folder of judge.mjs: make judge JUDGE=folder' >&2; exit 2; }
	@rm -rf "$(JUDGED)"
	@"$(BIN)/python" -c 'import sys; from ferkit.workbook.studies.judge import save_judge_pictures; save_judge_pictures(sys.argv[1])' "$(JUDGED)"
	@cd "$(JUDGE)" && for detector in ssd tiny; do \
	    node judge.mjs $$detector "$(JUDGED)/TABLE.csv" "$(JUDGED)" "$(JUDGED)/$$detector.csv" || exit 1; done
	@"$(BIN)/python" -c 'import sys; from ferkit.workbook.studies.judge import record_answers; record_answers(sys.argv[1])' "$(JUDGED)"

displacement: setup
	@"$(BIN)/python" -c 'from ferkit.workbook.studies.displacement import measure_portraits, save_displacements; save_displacements(measure_portraits(), "drawn")'

weights: setup
	@"$(BIN)/python" -c 'from ferkit.predict.train import make_weights; print(*make_weights(), sep="\n")'
	@"$(BIN)/python" -c 'from ferkit.workbook.studies.predictor import record_models; print(record_models())'

bench: setup
	@mkdir -p build
	@"$(BIN)/python" -m pytest tests/bench -o python_files='bench_*.py' -o python_functions='bench_*' \
	    --benchmark-columns=median,iqr,rounds --benchmark-json=build/bench.json $(ARGS)
	@"$(BIN)/python" tests/bench/table.py build/bench.json docs/speed.md

lint: setup
	@"$(BIN)/ruff" check . && "$(BIN)/ruff" format --check . && "$(BIN)/mypy"

# The stamp records what was installed and from where; any difference installs again.
setup:
	@$(WANTED) | cmp -s - "$(STAMP)" && "$(BIN)/python" -c '' || $(MAKE) --no-print-directory install

.PHONY: install
install:
	@"$(BIN)/python" -c '' 2>/dev/null || { \
	    for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	        "$$python" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	            2>/dev/null && break; \
	        python=; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo 'ferkit needs Python 3.11, 3.12 or 3.13 with the module venv, and found none' \
	            '(looked for $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)).' >&2; \
	        echo 'Install one (Debian and Ubuntu: python3 and python3-venv), or name it: make PYTHON=/path/to/python3' >&2; \
	        exit 2; \
	    fi; \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv "$(VENV)"; }
	@rm -f "$(STAMP)"
	@echo 'Installing the packages of requirements.txt (the first time: minutes, and some 7 GB where PyTorch brings CUDA)'
	@set -o pipefail; "$(BIN)/python" -m pip install --disable-pip-version-check --progress-bar off -r requirements.txt \
	    | awk '/^Collecting/ && ++n % 25 == 0 { print "  " n " packages found"; fflush() } \
	           /^ *Downloading .*[0-9] [MG]B\)/ { sub(/^ *[^ ]+ ([^ ]*\/)?/, "  "); print; fflush() } \
	           /^Installing/ { print "  unpacking " n " packages"; fflush() }'
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@echo 'Making the head of the drawn faces (once, a minute)'
	@"$(BIN)/python" -c 'from ferkit.drawn.head import load_head; load_head()'
	@$(WANTED) > "$(STAMP)"

clean:
	rm -rf build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks
	find ferkit tests -name __pycache__ -prune -exec rm -rf {} +
