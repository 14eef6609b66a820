# Two commands on a fresh Debian machine: `make demo` and `make test`. Both start from `make build`.
# A second call skips what is done.
PYTHON    ?= python3
TORCH     ?= torch==2.13.0
VENV      := .venv
BUILD     := build
BIN       := $(VENV)/bin
SUDO      := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES  := cmake ninja-build ccache catch2 libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libeigen3-dev \
             libgloo-dev libjpeg-dev libpng-dev libwebp-dev libtiff-dev libstb-dev liblcms2-dev zlib1g-dev libssl-dev libzip-dev \
             libmicrohttpd-dev pkg-config python3-venv python3-dev
# Python packages by name; requirements/*.txt, which `make lock` writes, has their versions, those of all that they need, and hashes.
# torch stands apart, as its files differ by index (CPU, CUDA): its version is above, what it needs itself is locked.
MYPY      := mypy==2.4.1
PYPI      := numpy scikit-build-core pytest safetensors scipy scikit-image torchmetrics matplotlib $(MYPY) pybind11-stubgen \
             onnx onnxscript onnxruntime nbclient ipykernel filelock fsspec jinja2 jsonschema networkx setuptools sympy typing-extensions
# The face detector's weights lie in this package, of which nothing is installed.
DETECTOR  := facenet-pytorch==2.6.0
# Drives the browser in which pages are tested; of the browsers that it could fetch itself none is.
BROWSER   := playwright==1.65.2
# What runs the networks of the page that `secgan export --web` writes: npm's package, with npm's integrity.
RUNTIME   := 1.30.0 sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==
# One version of each, as versions differ in what they find and write. Those that commit hooks use too stand in the hooks' file.
TOOLS      = $(MYPY) clang-tidy==23.1.4 pdoc==16.0.0 cyclonedx-bom==7.5.0 uv==0.13.9 \
             $(shell grep -oE '(ruff|clang-format)==[0-9.]+' .pre-commit-config.yaml)
PY_DIRS   := python tests tools examples benchmarks
FIND_CPP  := find include src python tests examples benchmarks -name '*.[ch]pp'
SOURCES   := $(shell find CMakeLists.txt pyproject.toml cmake include src python -type f -not -name '*.pyc')

.PHONY: build openvino demo test headers format lint tidy sanitize fuzz soak reference lock sbom clean
.DELETE_ON_ERROR:

debian = dpkg -s $(1) >/dev/null 2>&1 || \
  { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(1); }
pip    = $(BIN)/pip install -q --disable-pip-version-check
# Nothing but what the file lists, each file compared with its hash.
locked = $(pip) --no-deps --require-hashes -r

$(BUILD)/.packages: Makefile
	@mkdir -p $(BUILD)
	@$(call debian,$(PACKAGES))
	@touch $@

$(VENV)/.ready: Makefile requirements/build.txt $(BUILD)/.packages
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(locked) requirements/build.txt
	$(pip) "$(TORCH)"
	@touch $@

# The package that carries the face detector's weights: the build makes share/secgan/face-detector.safetensors of it. Without a network there
# is none, and the build goes on: `secgan edit` says how to get it where a photo has to be searched for faces. The old stamp has it tried again.
$(BUILD)/detector/.fetched: $(VENV)/.ready requirements/detector.txt
	@mkdir -p $(@D)
	@if $(BIN)/pip download -q --disable-pip-version-check --no-deps --require-hashes -d $(@D) -r requirements/detector.txt; then touch $@; \
	  else touch -d @0 $@; echo "the face detector's weights ($(DETECTOR)) could not be fetched: built without; make build tries again"; fi

# onnxruntime-web, for pages, by npm. Without a network there is none, and the build goes on: `secgan export --web` says how to get it.
npm = $(1) pack --silent --pack-destination $(2) onnxruntime-web@$(firstword $(RUNTIME))
$(BUILD)/web-runtime/.fetched: $(VENV)/.ready tools/unpack_web_runtime.py
	@mkdir -p $(@D)
	@if { command -v npm > /dev/null || { $(call debian,npm); }; } && $(call npm,npm,$(@D)) > /dev/null && \
	  $(BIN)/python tools/unpack_web_runtime.py $(lastword $(RUNTIME)) $(@D) $(@D)/onnxruntime-web-$(firstword $(RUNTIME)).tgz; then touch $@; \
	  else touch -d @0 $@; echo "onnxruntime-web ($(firstword $(RUNTIME))) could not be fetched: built without; make build tries again"; fi

# FFmpeg's libraries, for films' files. Where they cannot be installed the build goes on: `secgan edit --film` then takes frames.
FILMS     := libavformat-dev libavcodec-dev libavutil-dev libswscale-dev
$(BUILD)/.films: $(BUILD)/.packages
	@if { $(call debian,$(FILMS)); }; then touch $@; \
	  else touch -d @0 $@; echo "FFmpeg's libraries could not be installed: built without; make build tries again"; fi

# The library, the command and the Python package, built once and installed into the virtual environment: a line for each file that is compiled,
# which pip shows at -v alone.
$(BUILD)/.installed: $(VENV)/.ready $(SOURCES) $(BUILD)/detector/.fetched $(BUILD)/web-runtime/.fetched $(BUILD)/.films
	@touch $@.begun  # as old as the build's beginning: a file saved while it ran is newer
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -v -C build-dir=$(BUILD) \
	  -C build.verbose=false -C logging.level=WARNING --force-reinstall .
	@mv $@.begun $@

build: $(BUILD)/.installed

# The optional inference engine (docs/decisions/0037-engines.md): installed, and built in.
openvino: $(VENV)/.ready requirements/openvino.txt
	$(locked) requirements/openvino.txt
	@rm -f $(BUILD)/.installed
	$(MAKE) build

demo: build
	$(BIN)/secgan demo --out demo-run

# The page's tests drive Debian's Chromium; where it cannot be installed they are skipped, and say so.
$(BUILD)/.browser: $(VENV)/.ready requirements/browser.txt
	@$(call debian,chromium) && $(locked) requirements/browser.txt && touch $@ || echo "no browser: the page's tests are skipped"

test: build $(BUILD)/.browser
	cmake -S . -B $(BUILD) -DSECGAN_BUILD_TESTS=ON -DSECGAN_BUILD_EXAMPLES=ON -DSECGAN_PYTHON=$(CURDIR)/$(BIN)/python
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure --parallel 2

# Every public header compiles alone; LibTorch makes each a matter of ten seconds, so not a part of `make test`.
headers: build
	cmake --build $(BUILD) --target all_verify_interface_header_sets

$(VENV)/.tools: $(VENV)/.ready requirements/tools.txt .pre-commit-config.yaml
	@for tool in $(TOOLS); do \
	  grep -q "^$$tool " requirements/tools.txt || { echo "$$tool is not in requirements/tools.txt: make lock"; exit 1; }; \
	done
	$(locked) requirements/tools.txt
	@touch $@

# Versions stay where they fit; `make lock UPGRADE=--upgrade` takes the newest. For Python 3.10 and later, on every platform.
lock = printf '%s\n' $(1) | $(BIN)/uv pip compile - --quiet --no-config --universal --python-version 3.10 --generate-hashes --no-annotate \
  --excludes $(BUILD)/excludes.txt --custom-compile-command "make lock" $(UPGRADE)
lock: $(VENV)/.ready
	$(pip) $(filter uv==%,$(TOOLS))
	@printf '%s\n' torch openvino-telemetry > $(BUILD)/excludes.txt  # telemetry is of OpenVINO's converters, which are not used
	$(call lock,$(PYPI)) -o requirements/build.txt
	$(call lock,$(TOOLS)) -c requirements/build.txt -o requirements/tools.txt
	@echo numpy >> $(BUILD)/excludes.txt  # locked above
	$(call lock,openvino) -o requirements/openvino.txt
	$(call lock,$(BROWSER)) -c requirements/build.txt -o requirements/browser.txt
	$(call lock,$(DETECTOR)) --no-deps -o requirements/detector.txt

format: $(VENV)/.tools
	$(FIND_CPP) | xargs $(BIN)/clang-format -i
	$(BIN)/ruff format $(PY_DIRS)

# Nothing is changed. The quick ones first.
lint: $(VENV)/.tools
	$(BIN)/ruff check $(PY_DIRS)
	$(BIN)/ruff format --check $(PY_DIRS)
	$(FIND_CPP) | xargs $(BIN)/clang-format --dry-run -Werror
	$(BIN)/python tools/check_includes.py
	$(BIN)/mypy python/secgan examples/python
	$(MAKE) tidy

# clang-tidy on the library, the command and the binding, with the headers that they include. It takes a quarter of a minute for a file; TIDY,
# a regular expression, picks some: make tidy TIDY=src/io/. The sources that CMake writes to compile each header alone say nothing new.
TIDY ?= ^((?!_header_sets/).)*$$
tidy: $(VENV)/.tools
	cmake --preset tidy
	$(BIN)/run-clang-tidy.py -quiet -p build/tidy -clang-tidy-binary $(BIN)/clang-tidy '$(TIDY)'

# The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer; leaks are failures. LibTorch, which is not instrumented, has none.
sanitize: $(VENV)/.ready
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan

# Every reader of foreign files under libFuzzer, half a minute each, more by FUZZ_SECONDS, fewer by FUZZ_TARGETS. An input that crashes, hangs
# or fills memory is left in build/fuzz/found; mended, it becomes a regression test in tests/fuzz/corpus/TARGET.
FUZZ_SECONDS ?= 30
FUZZ_TARGETS ?= $(notdir $(wildcard tests/fuzz/corpus/*))
FUZZ := $(BUILD)/fuzz
fuzz: $(VENV)/.ready
	@$(call debian,clang-19 libclang-rt-19-dev)
	cmake --preset fuzz
	cmake --build --preset fuzz
	@mkdir -p $(FUZZ)/found $(addprefix $(FUZZ)/corpus/,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do \
	  echo "fuzz: $$target"; \
	  $(FUZZ)/tests/fuzz/secgan_fuzz --target=$$target -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=1024 \
	    -verbosity=0 -print_final_stats=1 -artifact_prefix=$(FUZZ)/found/$$target- $(FUZZ)/corpus/$$target tests/fuzz/corpus/$$target \
	    || failed="$$failed $$target"; \
	done; \
	[ -z "$$failed" ] || { echo "fuzz: findings in$$failed, see $(FUZZ)/found"; exit 1; }

# Trainings that are killed, run out of disk or run long: minutes.
soak: build
	SECGAN_COMMAND=$(BIN)/secgan $(BIN)/python tests/soak/soak.py

# What is inside: build/sbom.json, in CycloneDX's format.
sbom: build $(VENV)/.tools
	$(BIN)/python tools/make_sbom.py $$($(BIN)/python -c 'import secgan, pathlib; print(pathlib.Path(secgan.__file__).parent / "lib/libsecgan.so")') \
	  $(BUILD)/sbom.json

# The API reference: build/reference/cpp/index.html, build/reference/python/index.html.
reference: build $(VENV)/.tools
	@$(call debian,doxygen)
	rm -rf $(BUILD)/reference && mkdir -p $(BUILD)/reference
	doxygen docs/reference/Doxyfile
	$(BIN)/pdoc --docformat google --output-directory $(BUILD)/reference/python secgan

clean:
	rm -rf $(BUILD)
