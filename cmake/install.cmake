# The installed tree: headers, both libraries, a CMake package, pkg-config files, pages, the licence. The launcher installs itself.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/trireme)
set(libraries trireme)
set(modules trireme)
if(TARGET trireme_dist)
  list(APPEND libraries trireme_dist)
  list(APPEND modules trireme-dist)
endif()

if(TARGET trireme_cuda)
  install(TARGETS trireme_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

install(DIRECTORY include/trireme DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(TARGETS ${libraries} EXPORT trireme LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT trireme NAMESPACE trireme:: FILE trireme-targets.cmake DESTINATION ${package})
install(FILES LICENSE docs/accuracy.md docs/environment.md docs/from-pytorch.md docs/installing.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(cmake/trireme-config.cmake.in ${PROJECT_BINARY_DIR}/trireme-config.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/trireme-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/trireme-config.cmake ${PROJECT_BINARY_DIR}/trireme-config-version.cmake
        DESTINATION ${package})

# Relative to the file itself, so that the tree can be moved.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(module IN LISTS modules)
  configure_file(cmake/${module}.pc.in ${PROJECT_BINARY_DIR}/${module}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${module}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
