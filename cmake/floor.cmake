# trireme_floor(NAME [BELOW floor...] [LIBRARIES target...] [SOURCES file...])
#
# One floor of the library as the object library trireme_NAME. Sources say #include "core/tensor.h": a floor
# offers a folder that holds nothing but a link NAME -> its sources, together with those of the floors below,
# so that an include upwards finds no file.
#
# Sources are globbed on purpose: a file holds one idea, and adding one is not an edit of the build.
set_property(GLOBAL PROPERTY TRIREME_FLOORS "")

function(trireme_floor name)
  cmake_parse_arguments(PARSE_ARGV 1 floor "" "" "BELOW;LIBRARIES;SOURCES")
  if(NOT floor_SOURCES)
    file(GLOB floor_SOURCES CONFIGURE_DEPENDS *.c)
  endif()
  list(TRANSFORM floor_BELOW PREPEND trireme_)

  set(view ${PROJECT_BINARY_DIR}/floors/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)

  if(floor_SOURCES)
    add_library(trireme_${name} OBJECT ${floor_SOURCES})
    set(reach PUBLIC)
    trireme_object(trireme_${name})
    set_property(GLOBAL APPEND PROPERTY TRIREME_FLOORS trireme_${name})
  else()
    add_library(trireme_${name} INTERFACE)
    set(reach INTERFACE)
  endif()
  target_include_directories(trireme_${name} ${reach} ${view} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(trireme_${name} ${reach} ${floor_BELOW} ${floor_LIBRARIES})
endfunction()

# What every object library of ours has in common.
function(trireme_object target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  # -O3 made dispatch slower (the loops of kernels/ ask for it themselves). A shared library's default TLS model
  # is a call per access, initial-exec an instruction.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2> -ftls-model=initial-exec -fno-semantic-interposition)
  target_link_libraries(${target} PRIVATE trireme_flags trireme_warnings)
endfunction()
