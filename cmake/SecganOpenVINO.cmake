# Looks for OpenVINO, an optional inference engine, in
#   OpenVINO_DIR     the folder of its CMake package, or, when that is empty,
#   SECGAN_PYTHON    the interpreter whose package `openvino` (pip install openvino) has one.
# Sets SECGAN_OPENVINO_LIBRARIES, the folder of its shared libraries, where there is one.

option(SECGAN_OPENVINO "Build the inference engine openvino where OpenVINO is there" ON)

if(SECGAN_OPENVINO AND NOT TARGET openvino::runtime)
  if(NOT OpenVINO_DIR)
    set(_python "${SECGAN_PYTHON}")
    if(NOT _python AND Python_EXECUTABLE)
      set(_python "${Python_EXECUTABLE}")
    endif()
    if(_python)
      execute_process(
        COMMAND "${_python}" -c "import importlib.util as u; s = u.find_spec('openvino'); print(s.submodule_search_locations[0] if s else '')"
        OUTPUT_VARIABLE _openvino OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
    if(_openvino)
      set(_openvino_hint "${_openvino}/cmake")
    endif()
  endif()
  # Not kept in the cache: a package that is installed later is found by the next build.
  find_package(OpenVINO QUIET COMPONENTS Runtime HINTS "${_openvino_hint}")
  if(NOT OpenVINO_FOUND)
    unset(OpenVINO_DIR CACHE)
  endif()
endif()
if(TARGET openvino::runtime)
  get_target_property(_library openvino::runtime IMPORTED_LOCATION_RELEASE)
  get_filename_component(SECGAN_OPENVINO_LIBRARIES "${_library}" DIRECTORY)
  message(STATUS "secgan: engine openvino ${OpenVINO_VERSION} in ${SECGAN_OPENVINO_LIBRARIES}")
else()
  message(STATUS "secgan: no engine openvino: `pip install openvino` before the build adds it")
endif()
