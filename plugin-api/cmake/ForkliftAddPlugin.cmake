# forklift_add_plugin(NAME SOURCE...)
#
# Builds NAME.so, a Forklift plugin, from the given sources.
#
#   no "lib" prefix        the file is named as the YAML names it
#   hidden visibility and a version script
#                          the plugin exports forklift_plugin_v1 and nothing that could clash with other names
#   -z defs                an undefined symbol is an error of the build, not of the first request (left out under
#                          clang's sanitizers, which leave their runtime's symbols undefined on purpose)
#   --exclude-libs, -Bsymbolic-functions
#                          a library that the plugin bundles stays the plugin's: the host's copy does not take its place
#   --build-id             names the exact build in logs and backtraces
#   C++17                  or what the project asks for, where that is more
function(forklift_add_plugin name)
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forklift_plugin.map)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE Forklift::plugin_api)
  if(CMAKE_CXX_COMPILER_LOADED)
    target_compile_features(${name} PRIVATE cxx_std_17)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS ${exports})
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${exports} -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions -Wl,--build-id)

  set(sanitized FALSE)
  if(FORKLIFT_SANITIZE OR "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
    set(sanitized TRUE)
  endif()
  if(NOT (sanitized AND "${CMAKE_C_COMPILER_ID} ${CMAKE_CXX_COMPILER_ID}" MATCHES "Clang"))
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
