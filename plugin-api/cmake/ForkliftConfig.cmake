# find_package(Forklift 1.0 CONFIG REQUIRED): the target Forklift::plugin_api, which is the headers, and forklift_add_plugin().
# The version is that of the plugin API.
include(${CMAKE_CURRENT_LIST_DIR}/ForkliftTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ForkliftAddPlugin.cmake)
