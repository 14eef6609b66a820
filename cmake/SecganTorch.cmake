# Defines secgan::torch, the LibTorch that everything here links against, from
#   SECGAN_TORCH_DIR   a LibTorch folder, or the torch folder of a Python environment, or, when that is empty,
#   SECGAN_PYTHON      the interpreter whose `import torch` is used (default: the first python3 on the path).
#
# find_package(Torch) is not used: for a CUDA build it aborts on machines without the CUDA toolkit, which
# compiling against the shared libraries does not need.

set(SECGAN_TORCH_DIR "" CACHE PATH "LibTorch folder (holds include/ and lib/); empty: ask SECGAN_PYTHON")
set(SECGAN_PYTHON "" CACHE FILEPATH "Python interpreter whose torch is used when SECGAN_TORCH_DIR is empty")

function(_secgan_find_torch out_dir)
  if(SECGAN_TORCH_DIR)
    set(${out_dir} "${SECGAN_TORCH_DIR}" PARENT_SCOPE)
    return()
  endif()
  set(python "${SECGAN_PYTHON}")
  if(NOT python AND SKBUILD)
    set(python "${Python_EXECUTABLE}")
  endif()
  if(NOT python)
    find_program(python NAMES python3 python NO_CACHE)
  endif()
  execute_process(
    COMMAND "${python}" -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT found)
    message(FATAL_ERROR
      "LibTorch not found: '${python}' has no torch. Pass -DSECGAN_PYTHON=<an interpreter with torch> (after `make build`: "
      ".venv/bin/python; elsewhere: pip install torch==2.13.0), or unpack LibTorch and pass -DSECGAN_TORCH_DIR=<its folder>.")
  endif()
  set(${out_dir} "${found}" PARENT_SCOPE)
endfunction()

if(NOT TARGET secgan::torch)
  _secgan_find_torch(_secgan_torch)
  set(_header "${_secgan_torch}/include/torch/csrc/api/include/torch/nn/module.h")
  if(NOT EXISTS "${_header}")
    message(FATAL_ERROR "SECGAN_TORCH_DIR '${_secgan_torch}' is not a LibTorch folder: it lacks ${_header}")
  endif()

  file(STRINGS "${_secgan_torch}/include/torch/headeronly/version.h" _version REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" SECGAN_TORCH_VERSION "${_version}")
  if(SECGAN_TORCH_VERSION VERSION_LESS 2.11)
    message(FATAL_ERROR "secgan needs LibTorch 2.11 or newer, found ${SECGAN_TORCH_VERSION} in ${_secgan_torch}")
  endif()

  # ATen's parallel_for is a template in the headers; compiled without OpenMP it would run on one thread.
  find_package(Threads REQUIRED)

  add_library(secgan::torch INTERFACE IMPORTED)
  set(_libraries)
  foreach(_name c10 torch_cpu torch c10_cuda torch_cuda)
    find_library(_secgan_library_${_name} NAMES ${_name} PATHS "${_secgan_torch}/lib" NO_DEFAULT_PATH NO_CACHE)
    if(_secgan_library_${_name})
      list(APPEND _libraries "${_secgan_library_${_name}}")
    elseif(NOT _name MATCHES "cuda")
      message(FATAL_ERROR "LibTorch folder '${_secgan_torch}' lacks lib/lib${_name}")
    endif()
  endforeach()
  target_link_libraries(secgan::torch INTERFACE ${_libraries} Threads::Threads)
  # torch_cuda registers itself when loaded and exports nothing that we call: keep the linker from dropping it.
  if(_secgan_library_torch_cuda)
    target_link_options(secgan::torch INTERFACE "LINKER:--no-as-needed")
  endif()
  target_include_directories(secgan::torch SYSTEM INTERFACE
    "${_secgan_torch}/include" "${_secgan_torch}/include/torch/csrc/api/include")
  target_compile_features(secgan::torch INTERFACE cxx_std_20)
  # On the target as well: it outlives the scope of a find_package call inside a function.
  set_target_properties(secgan::torch PROPERTIES SECGAN_TORCH_VERSION "${SECGAN_TORCH_VERSION}")
  set(SECGAN_TORCH_ROOT "${_secgan_torch}")
  message(STATUS "secgan: LibTorch ${SECGAN_TORCH_VERSION} in ${_secgan_torch}")
endif()
