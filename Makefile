# The whole workflow. It needs Python 3.11 or newer with pip and venv, and nothing else: all it
# installs goes into .venv and .bootstrap. Another Python: make PYTHON=/path/to/python TARGET

BIN := .venv/bin
STAMP := .venv/.synced

.DEFAULT_GOAL := help
.PHONY: help demo test lint format calendars bench bench-kafka clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Run the Alibaba day: no broker, no keys, no network (OUT=folder keeps its files)
	$(BIN)/newsquake demo $(if $(OUT),--out $(OUT))

test: lint ## Check everything: lint, then all tests, slow ones too
	$(BIN)/pytest -n auto --dist loadfile --ignore tests/integration tests
	$(BIN)/pytest -n 2 --dist loadfile -m "not alone" tests/integration
	$(BIN)/pytest -m alone tests/integration

lint: $(STAMP) ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Put the code into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

calendars: $(STAMP) ## Make the session tables again from exchange-calendars
	$(BIN)/python -m streams.reference.generate

bench: $(STAMP) ## Measure, beside the figures of the last run
	$(BIN)/python -m tests.bench

bench-kafka: $(STAMP) ## Measure the react worker on a real Kafka beside its peers (10 minutes)
	UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv \
	    "$$(command -v uv || echo .bootstrap/bin/uv)" sync --frozen --group bench
	$(BIN)/python -m tests.bench.kafka

clean: ## Remove all that make has made
	rm -rf .venv .bootstrap .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find agents streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made again when what it is made from changes.
$(STAMP): pyproject.toml uv.lock .ci/bootstrap
	PYTHON="$(PYTHON)" .ci/bootstrap
	@touch $@
