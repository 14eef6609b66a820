# Two commands on a fresh Debian machine: `make demo` and `make test`. Both start from `make build`.
# A second call skips what is done.
PYTHON    ?= python3
TORCH     ?= torch==2.13.0
VENV      := .venv
BUILD     := build
BIN       := $(VENV)/bin
SUDO      := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES  := cmake ninja-build ccache catch2 libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libeigen3-dev \
             libjpeg-dev libpng-dev python3-venv
PYPI      := numpy scikit-build-core pytest

.PHONY: build test clean
.DELETE_ON_ERROR:

$(BUILD)/.packages: Makefile
	@mkdir -p $(BUILD)
	@dpkg -s $(PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(PACKAGES); }
	@touch $@

$(VENV)/.ready: Makefile $(BUILD)/.packages
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check "$(TORCH)" $(PYPI)
	@touch $@

$(BUILD)/build.ninja: $(VENV)/.ready
	cmake -S . -B $(BUILD) -G Ninja -DSECGAN_PYTHON=$(CURDIR)/$(BIN)/python -DSECGAN_BUILD_TESTS=ON

build: $(BUILD)/build.ninja
	cmake --build $(BUILD)

test: build
	ctest --test-dir $(BUILD) --output-on-failure

clean:
	rm -rf $(BUILD)
