# libtrireme.so, which exports tr_* only, and trireme_internal, the same objects for tests of one room,
# whose functions are hidden outside the library. A program links the one or the other, never both.
get_property(floors GLOBAL PROPERTY TRIREME_FLOORS)

add_library(trireme SHARED)
add_library(trireme::trireme ALIAS trireme)
target_link_libraries(trireme PRIVATE ${floors} trireme_flags)
target_include_directories(trireme INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

add_library(trireme_internal STATIC)
target_link_libraries(trireme_internal PUBLIC ${floors})

# Both shared libraries: versioned, exporting tr_* only, found beside each other wherever they are put.
function(trireme_shared target)
  set_target_properties(${target} PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${soversion} LINKER_LANGUAGE C
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map
    BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN" INSTALL_RPATH_USE_LINK_PATH ON)
  # The library's own calls of tr_* go straight there, not through the table that lets programs replace symbols.
  target_link_options(${target} PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map -Wl,-Bsymbolic-functions)
  # Threads have their memory given back at their end, when whoever opened the library may have closed it: it stays.
  target_link_options(${target} PRIVATE -Wl,-z,nodelete)
  if(NOT TRIREME_SANITIZE)                        # clang leaves the sanitizer's own symbols to the program
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
trireme_shared(trireme)
