# Two commands on a fresh Debian machine: `make demo` and `make test`. Both start from `make build`.
# A second call skips what is done.
PYTHON    ?= python3
TORCH     ?= torch==2.13.0
VENV      := .venv
BUILD     := build
BIN       := $(VENV)/bin
SUDO      := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES  := cmake ninja-build ccache catch2 libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libeigen3-dev \
             libjpeg-dev libpng-dev libssl-dev libzip-dev pkg-config python3-venv python3-dev
PYPI      := numpy scikit-build-core pytest safetensors scipy scikit-image torchmetrics matplotlib mypy pybind11-stubgen \
             onnx onnxscript onnxruntime nbclient ipykernel
SOURCES   := $(shell find CMakeLists.txt pyproject.toml cmake include src python -type f -not -name '*.pyc')

.PHONY: build demo test headers format clean
.DELETE_ON_ERROR:

$(BUILD)/.packages: Makefile
	@mkdir -p $(BUILD)
	@dpkg -s $(PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(PACKAGES); }
	@touch $@

$(VENV)/.ready: Makefile $(BUILD)/.packages
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check "$(TORCH)" $(PYPI)
	@touch $@

# The library, the command and the Python package, built once and installed into the virtual environment.
$(BUILD)/.installed: $(VENV)/.ready $(SOURCES)
	@touch $@.begun  # as old as the build's beginning: a file saved while it ran is newer
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -q -C build-dir=$(BUILD) \
	  -C build.verbose=true -C logging.level=WARNING --force-reinstall .
	@mv $@.begun $@

build: $(BUILD)/.installed

demo: build
	$(BIN)/secgan demo --out demo-run

test: build
	cmake -S . -B $(BUILD) -DSECGAN_BUILD_TESTS=ON -DSECGAN_BUILD_EXAMPLES=ON -DSECGAN_PYTHON=$(CURDIR)/$(BIN)/python
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure --parallel 2

# Every public header compiles alone; LibTorch makes each a matter of ten seconds, so not a part of `make test`.
headers: build
	cmake --build $(BUILD) --target all_verify_interface_header_sets

# One version, as versions differ in what they write.
format: $(VENV)/.ready
	$(BIN)/pip install -q --disable-pip-version-check clang-format==23.1.5
	git ls-files '*.cpp' '*.hpp' | xargs $(BIN)/clang-format -i

clean:
	rm -rf $(BUILD)
