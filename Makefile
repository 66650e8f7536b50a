# Each target makes the virtual environment by itself when that is needed. `make help` lists the targets.
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

.DEFAULT_GOAL := help
.PHONY: help run test lab figures notebooks restarts bench lint setup clean

help:
	@echo 'make run      run all notebooks; ends with a table of results and the path of index.html'
	@echo 'make test     run all tests, the notebooks among them'
	@echo 'make lab      open the notebooks in JupyterLab'
	@echo 'make figures  draw every figure again from its saved numbers'
	@echo 'make notebooks  run the committed notebooks where they are and keep their outputs and figures'
	@echo 'make restarts   train papers 3 to 5 again from five first weights each: how much is chance? (half an hour)'
	@echo 'make bench    measure speed'
	@echo 'make lint     check style and types'
	@echo 'make clean    delete build/ and the caches of tools; the environment stays'
	@echo 'Options: ARGS="..." for the command behind the target, VENV=folder, PYTHON=python3.12'

run: setup
	@"$(BIN)/ferkit" run $(ARGS)

# The head of the drawn faces is made before the tests, so that not each of their processes makes it.
test: setup
	@"$(BIN)/python" -c 'from ferkit.synthetic.head import load_head; load_head()'
	@"$(BIN)/python" -m pytest $(CORES) $(ARGS)

lab: setup
	@"$(BIN)/jupyter" lab notebooks $(ARGS)

figures: setup
	@"$(BIN)/python" -c 'from ferkit.plots import redraw_all; print(redraw_all("figures").to_string(index=False))'

# The committed notebooks: run where they are, at `lesson`, outputs kept; their figures go to figures/.
notebooks: setup
	@"$(BIN)/python" -c 'from ferkit.workbook.publish import publish; publish()'

# Written where `make notebooks` keeps its networks and figures, so what those trained is found.
restarts: setup
	@"$(BIN)/python" -c 'from ferkit.workbook.restarts import repeat; [print(t.to_string()) for both in repeat().values() for t in both]'

bench: setup
	@"$(BIN)/python" -m pytest tests/bench -o python_files='bench_*.py' -o python_functions='bench_*' \
	    --benchmark-columns=median,iqr,rounds $(ARGS)

lint: setup
	@"$(BIN)/ruff" check . && "$(BIN)/ruff" format --check . && "$(BIN)/mypy"

# The stamp holds what was installed and from where; anything else than a perfect match installs again.
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
	@"$(BIN)/python" -c 'from ferkit.synthetic.head import load_head; load_head()'
	@$(WANTED) > "$(STAMP)"

clean:
	rm -rf build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks
	find ferkit tests -name __pycache__ -prune -exec rm -rf {} +
