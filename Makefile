# Everything runs in .venv, which `make setup` makes from the lock; every other target calls it when needed.
.DEFAULT_GOAL := help
.PHONY: help setup demo report batch test test-long test-wheel test-lowest fuzz mutate audit secrets check docs fix lock sample bench clean

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CONTENDERS := .venv-bench/.ready

# make report DATE=2024-08-03 HOUR=6 SOURCE=... BLACKLIST=... OUTPUT=...
PLACES = $(if $(SOURCE),--source '$(SOURCE)') $(if $(BLACKLIST),--blacklist '$(BLACKLIST)') \
	$(if $(OUTPUT),--output '$(OUTPUT)')

COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) --quiet
PIP_OF_WHEEL = .venv-wheel/bin/python -m pip install --quiet --disable-pip-version-check
MADE_UP = ^((very)?secret|password|h0neyp0t|[0-9a-f]{64})$$
PARALLEL = --numprocesses auto --dist loadfile
# What a docstring must not begin with, and turns of phrase that readers read twice.
RIDDLES = """(Give|Tell|Say|Hold|Do so|Do what|The same)\b|which see|cannot be had|broke off|mend it|is no (line|address|setting|entry|hour)

CLI_DOCS = $(BIN)/typer pvtop.cli utils docs --name pvtop
SETTINGS_DOCS = $(BIN)/python docs/generate_settings.py

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(READY) ## Make .venv from the lock, with nothing but Python >= 3.11 and the package index

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pvtop needs Python 3.11 or later: make setup PYTHON=python3.x")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Do the main job on the sample in data/, without a network
	$(BIN)/pvtop report --date 2024-12-31 --hour 14 --source data/source --blacklist data/blacklist --output reports/demo
	$(BIN)/pvtop show --output reports/demo --domain en --domain ja -n 5

report: $(READY) ## Make the report of DATE= and HOUR= (default: the newest); SOURCE=, BLACKLIST=, OUTPUT= pass through
	$(BIN)/pvtop report $(if $(DATE),--date $(DATE)) $(if $(HOUR),--hour $(HOUR)) $(PLACES)

batch: $(READY) ## Make the reports of START= to END= (default: the newest 24); SOURCE=, BLACKLIST=, OUTPUT= pass through
	$(BIN)/pvtop batch $(if $(START),--start $(START)) $(if $(END),--end $(END)) $(PLACES)

test: $(READY) ## Run the tests, on all cores
	$(BIN)/python -m pytest -q $(PARALLEL)

test-long: $(READY) ## Run the tests that take minutes
	$(BIN)/python -m pytest -q -m long

test-wheel: requirements.lock ## Build the wheel, install it with what is locked, and run the tests on it
	$(call test_wheel,requirements.lock)

test-lowest: requirements-lowest.lock ## Test the wheel with the lowest versions that pyproject.toml allows
	$(call test_wheel,requirements-lowest.lock)

define test_wheel
	$(MAKE) $(READY)
	rm -rf dist
	$(BIN)/python -m build --no-isolation >/dev/null
	$(PYTHON) -m venv --clear .venv-wheel
	$(PIP_OF_WHEEL) --require-hashes --requirement $(1)
	$(PIP_OF_WHEEL) --no-deps dist/*.whl
	.venv-wheel/bin/python -m pytest -q $(PARALLEL)
endef

fuzz: $(READY) ## Compare pvtop with the reference on 104,000 generated dumps; about 40 minutes
	$(BIN)/python -m pytest -q tests/transform/test_properties.py --hypothesis-profile=fuzz --hypothesis-show-statistics --show-capture=no \
		--numprocesses auto

mutate: $(READY) ## Break each rule of a report on purpose, and see that the tests notice
	$(BIN)/python tests/project/mutate.py

audit: secrets ## Look the locked packages up in the advisories, which takes a network; and look for secrets
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement requirements.lock \
		|| { echo 'the audit failed: a package is named by an advisory, or could not be looked up'; exit 1; }

secrets: $(READY) ## Look for secrets in the files
	$(BIN)/detect-secrets-hook --no-verify --exclude-files 'requirements.*\.lock$$' --exclude-secrets '$(MADE_UP)' $$(git ls-files)

check: $(READY) ## Lint, types, format, layers, and whether the generated pages are up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@! git grep -nE '$(RIDDLES)' -- 'src/*.py' 'tests/*.py' 'benchmarks/*.py' || { echo 'reword these sentences; CONTRIBUTING.md says how'; exit 1; }
	@$(CLI_DOCS) | diff docs/cli.md - || { echo 'docs/cli.md is out of date: make docs'; exit 1; }
	@$(SETTINGS_DOCS) | diff docs/settings.md - || { echo 'docs/settings.md is out of date: make docs'; exit 1; }

docs: $(READY) ## Generate docs/cli.md and docs/settings.md
	$(CLI_DOCS) > docs/cli.md
	$(SETTINGS_DOCS) > docs/settings.md

fix: $(READY) ## Format, and fix what the linter can fix
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# The lowest versions are those of all but s3fs, which asks for newer ones of others: so its tests are skipped there.
lock: $(READY) ## Compile the locks from pyproject.toml; UPGRADE=1 takes the newest versions
	$(COMPILE) pyproject.toml --all-extras --group dev --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra metrics --group test --resolution lowest-direct --output-file requirements-lowest.lock
	$(COMPILE) --group bench --constraints requirements.lock --output-file benchmarks/requirements.lock

sample: $(READY) ## Make the sample in data/ anew
	$(BIN)/python data/make_sample.py

bench: $(READY) $(CONTENDERS) ## Measure against the alternatives; ONLY=hour|alternatives|batch|network|growth|reading, ROUNDS=, BENCH_DIR=
	$(BIN)/python benchmarks/bench.py --python .venv-bench/bin/python $(if $(ONLY),--only $(ONLY)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(BENCH_DIR),--work '$(BENCH_DIR)')

$(CONTENDERS): benchmarks/requirements.lock
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

clean: ## Remove what can be made again
	rm -rf .venv .venv-bench .venv-wheel .import_linter_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist reports/demo
