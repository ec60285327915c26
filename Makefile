# `make demo` needs .venv with what pvtop needs to run, other targets with all extras and tools. Both come from locks.
.DEFAULT_GOAL := help
.PHONY: help setup demo report batch days notebooks test test-long test-wheel test-lowest test-install fuzz mutate audit secrets check docs fix lock sample bench clean

PYTHON := python3
BIN := .venv/bin
RUNNING := .venv/.running
READY := .venv/.ready
CONTENDERS := .venv-bench/.ready

# The variables that each target takes on make's command line, beside PYTHON. It would ignore others, so they are refused.
VARIABLES_report := DATE HOUR SOURCE BLACKLIST OUTPUT
VARIABLES_batch := START END SOURCE BLACKLIST OUTPUT
VARIABLES_days := START END SOURCE OUTPUT
VARIABLES_lock := UPGRADE
VARIABLES_bench := ONLY ROUNDS SCALE BENCH_DIR DAY WEEK RESULTS

GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
TAKEN := $(strip $(foreach goal,$(MAKECMDGOALS),$(VARIABLES_$(goal))) PYTHON)
define NEWLINE


endef
ifneq ($(filter-out $(TAKEN),$(GIVEN)),)
$(error make $(or $(MAKECMDGOALS),help) does not take $(filter-out $(TAKEN),$(GIVEN)). It takes $(TAKEN))
endif
$(foreach name,$(GIVEN),$(if $(findstring $(NEWLINE),$(value $(name))),$(error $(name) has more than one line)))
unexport $(GIVEN) # make would expand $$(...) in their values
unexport PYTHONDONTWRITEBYTECODE # containers often set it; then every worker of the tests would compile all of them again

# A value as one word for the shell, and an option with a value from make's command line. Not from the environment,
# which may have a DATE of its own. `value` takes the text as it is.
quoted = '$(subst ','\'',$(value $(1)))'
option = $(if $(filter command,$(origin $(2))),$(1) $(call quoted,$(2)))
PLACES = $(call option,--source,SOURCE) $(call option,--blacklist,BLACKLIST) $(call option,--output,OUTPUT)
PYTHON_WORD = $(call quoted,PYTHON)

COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command 'make lock' $(if $(call option,,UPGRADE),--upgrade) --quiet
# Install into an environment: with uv, which takes a fifth of the time. If that fails, with pip, which may know another
# package index. On a terminal, both show their downloads.
define install
quiet=$$([ -t 2 ] || echo --quiet); UV_BUILD_CONSTRAINT=requirements.lock \
	$(BIN)/uv pip install $$quiet --system-certs --python $(1)/bin/python $(2) \
	|| { echo 'uv failed; trying pip'; $(1)/bin/python -m pip install $$quiet --disable-pip-version-check $(2); }
endef
MADE_UP = ^((very)?secret|password|h0neyp0t|[0-9a-f]{64})$$
PARALLEL = --numprocesses auto --dist loadfile
# What a docstring must not begin with, and turns of phrase that readers read twice.
RIDDLES = """(Give|Tell|Say|Hold|Do so|Do what|The same)\b|which see|cannot be had|broke off|mend it|is no (line|address|setting|entry|hour)

CLI_DOCS = $(BIN)/typer pvtop.cli utils docs --name pvtop
SETTINGS_DOCS = $(BIN)/python docs/generate_settings.py

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(READY) ## Make .venv with everything, from nothing but Python >= 3.11 and the package index

$(RUNNING): requirements-run.lock requirements.lock pyproject.toml
	@$(PYTHON_WORD) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pvtop needs Python 3.11 or later: make setup PYTHON=python3.x")'
	@echo '1/3 making .venv'
	@$(PYTHON_WORD) -m venv --clear .venv
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement .venv/uv.lock
	@echo '2/3 installing what pvtop needs to run (about 130 MB)'
	@$(call install,.venv,--require-hashes --no-deps --requirement requirements-run.lock)
	@echo '3/3 installing pvtop'
	@$(call install,.venv,--no-deps --editable .)
	@touch $@

# While packages are added, the marker for running is away: if that is interrupted, .venv is made anew.
$(READY): $(RUNNING)
	@echo 'adding the extras, and what tests and checks need (about 180 MB)'
	@rm -f $(RUNNING)
	@$(call install,.venv,--require-hashes --no-deps --requirement requirements.lock)
	@touch $(RUNNING) $@

demo: $(RUNNING) ## Do the main job on the sample in data/, without a network
	$(BIN)/pvtop report --date 2024-12-31 --hour 14 --source data/source --blacklist data/blacklist --output reports/demo
	$(BIN)/pvtop show --output reports/demo --domain en --domain ja -n 5

report: $(RUNNING) ## Make the report of DATE= and HOUR= (default: the newest); SOURCE=, BLACKLIST=, OUTPUT= pass through
	$(BIN)/pvtop report $(call option,--date,DATE) $(call option,--hour,HOUR) $(PLACES)

batch: $(RUNNING) ## Make the reports of START= to END= (default: the newest 24); SOURCE=, BLACKLIST=, OUTPUT= pass through
	$(BIN)/pvtop batch $(call option,--start,START) $(call option,--end,END) $(PLACES)

days: $(RUNNING) ## Make the day files of START= to END= (default: the newest day); SOURCE=, OUTPUT= pass through
	$(BIN)/pvtop days build $(call option,--start,START) $(call option,--end,END) $(PLACES)

notebooks: $(READY) ## Run the notebooks on data/, and draw the pictures of docs/notebooks.md whose charts have changed
	$(BIN)/python docs/generate_pictures.py
	@echo 'to open them: $(BIN)/jupyter lab notebooks'

test: $(READY) ## Run the tests, on all cores
	$(BIN)/python -m pytest -q $(PARALLEL)

test-long: $(READY) ## Run the tests that take minutes
	$(BIN)/python -m pytest -q -m long

test-wheel: $(READY) ## Build the wheel, install it with what is locked, and run the tests on it
	$(call test_wheel,requirements.lock)

test-lowest: $(READY) ## Test the wheel with the lowest versions that pyproject.toml allows
	$(call test_wheel,requirements-lowest.lock)

define test_wheel
	rm -rf dist
	$(BIN)/python -m build --no-isolation >/dev/null
	$(PYTHON_WORD) -m venv --clear .venv-wheel
	$(call install,.venv-wheel,--require-hashes --no-deps --requirement $(1))
	$(call install,.venv-wheel,--no-deps dist/*.whl)
	.venv-wheel/bin/python -m pytest -q $(PARALLEL)
endef

test-install: $(READY) ## Run each install command of the README, make a report of data/, and draw the README's plot
	.ci/install $(PYTHON_WORD)

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
	$(COMPILE) pyproject.toml --constraints requirements.lock --output-file requirements-run.lock
	$(COMPILE) pyproject.toml --extra metrics --extra mart --extra notebooks --group test --resolution lowest-direct \
		--output-file requirements-lowest.lock
	$(COMPILE) --group bench --constraints requirements.lock --output-file benchmarks/requirements.lock

sample: $(READY) ## Make the sample in data/ anew
	$(BIN)/python data/make_sample.py

bench: $(READY) $(CONTENDERS) ## Measure against the alternatives; ONLY=, ROUNDS=, SCALE=, BENCH_DIR=, DAY=, WEEK=: benchmarks/README.md
	$(BIN)/python benchmarks/bench.py --python .venv-bench/bin/python $(call option,--only,ONLY) \
		$(call option,--rounds,ROUNDS) $(call option,--scale,SCALE) $(call option,--work,BENCH_DIR) \
		$(call option,--day,DAY) $(call option,--week,WEEK) $(call option,--results,RESULTS)

$(CONTENDERS): benchmarks/requirements.lock | $(READY)
	$(PYTHON_WORD) -m venv --clear .venv-bench
	$(call install,.venv-bench,--require-hashes --no-deps --requirement $<)
	@touch $@

clean: ## Remove what can be made again
	rm -rf .venv .venv-bench .venv-wheel .import_linter_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist reports/demo
