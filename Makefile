# What a fresh clone needs is Python 3.11 to 3.13 and make (GNU make 3.81, as on macOS, is enough).
# Another Python than python3: make setup PYTHON=python3.12

PYTHON ?= python3

# Every process that is started would compile all of our modules anew: 0.1 s each, and there are hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup agreement example test exam benchmark lint clean

help:       ## print these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup:      ## .venv with the versions of constraints.txt; again only when those change
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON); name a Python 3.11 to 3.13: make setup PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) scripts/setup.py

agreement: setup  ## train the article's network in NumPy, Keras and PyTorch and certify every equation
	@.venv/bin/backproof run --out build/backproof; code=$$?; \
	case $$code in 0|1|3) .venv/bin/backproof report build/backproof;; esac; exit $$code

example: setup  ## run the article and write reports/example/ and the pictures of the README from it
	.venv/bin/python scripts/example.py

test: setup lint  ## lint, then all tests
	.venv/bin/pytest -n 2 --dist loadgroup

exam: setup  ## plant every known mistake, and a thousand honest variations: what is noticed, located, named
	.venv/bin/python -m tests.exam.exam

benchmark: setup  ## time steps, certifying and the whole job beside the frameworks, and print every target; a quarter of an hour
	.venv/bin/python -m benchmarks.performance
	.venv/bin/python docs/make.py performance.md

lint: setup  ## ruff and mypy
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

clean:      ## remove everything generated but .venv
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
