# trireme_test(NAME [DIST] [RANKS n...] [SHARED] [NATIVE] [LABELS label...] [LIBRARIES target...] [SOURCES file...]
#              [ENVIRONMENT name=value...])
#
# The program NAME from NAME.c and the harness (tests/test.h), known to CTest. It links trireme_internal, and so sees the
# hidden functions of every floor. SHARED and DIST link the shared libraries instead, as programs do; with RANKS it runs
# under mpirun as NAME_1, NAME_2 ... Exit status 77 is a skip.
#
# Each is known a second time as NAME_memcheck, under valgrind, where that is and no sanitizer: the same program, so that
# nothing is built again (ctest --preset valgrind). NATIVE leaves that out. Of the numbers of ranks it takes one, the last up
# to three, which has a rank between others: processes under valgrind share the cores. The sanitizers run them all.
#
# Labels that mean something (beside those that presets choose by):
#   long     only where asked for: ctest -C long -L long
#   cluster  measures on hosts of its own: nothing runs beside it
#   patient  mostly waits for limits to pass: others run beside it; not under sanitizers, where what it starts is run by others
#   heavy    many minutes under sanitizers, where others run what it runs: not there
#   jobs     starts itself again under mpirun: not under valgrind, which would see the first process alone
#   memcheck only where asked for: ctest -C memcheck -L memcheck
#
# Every *.c named test_* in a tests folder is handed to it by trireme_tests(), with the words of its line "// CTEST ...".

# Open MPI: as root, more ranks than cores, none of them bound to one core, none spinning while another has work, without
# looking for networks, and without reading each other's memory (containers forbid it, loudly).
set(TRIREME_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_pml=ob1 OMPI_MCA_btl_vader_single_copy_mechanism=none
  OMP_NUM_THREADS=1)

# OpenMP's threads sleep while they wait: other tests use the same cores.
set(TRIREME_TEST_ENVIRONMENT OMP_WAIT_POLICY=passive)
if("address" IN_LIST TRIREME_SANITIZE)
  # cmocka catches signals; a sanitizer has more to say about them.
  list(APPEND TRIREME_TEST_ENVIRONMENT
    ASAN_OPTIONS=detect_leaks=1:handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2
    UBSAN_OPTIONS=print_stacktrace=1)
  list(APPEND TRIREME_MPI_ENVIRONMENT
    LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/suppressions/openmpi.lsan:print_suppressions=0)
elseif("thread" IN_LIST TRIREME_SANITIZE)
  list(APPEND TRIREME_TEST_ENVIRONMENT OMP_NUM_THREADS=1)     # libgomp's barriers are invisible to it
endif()

# memcheck knows no AVX-512, and runs one thread at a time. oneDNN 2.6's products with AVX2 read behind its own buffers.
if(NOT TRIREME_SANITIZE)
  find_program(VALGRIND valgrind)
  mark_as_advanced(VALGRIND)
endif()
set(TRIREME_MEMCHECK_ENVIRONMENT
  TRIREME_CPU_LEVEL=v3 OPENBLAS_CORETYPE=Haswell ONEDNN_MAX_CPU_ISA=SSE41 OMP_NUM_THREADS=1 TRIREME_TEST_SHARE=10)
set(TRIREME_MEMCHECK ${VALGRIND} --quiet --error-exitcode=99 --suppressions=${PROJECT_SOURCE_DIR}/tests/suppressions/memcheck.supp)
set(TRIREME_MEMCHECK_LEAKS --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite)

add_custom_target(thread_tests)
function(trireme_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "DIST;SHARED;NATIVE" "" "RANKS;LABELS;LIBRARIES;SOURCES;ENVIRONMENT")
  if(test_DIST AND NOT TARGET trireme_dist)
    return()
  endif()
  if(NOT test_SOURCES)
    set(test_SOURCES ${name}.c)
  endif()

  add_executable(${name} ${test_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE TEST_DIR="${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE trireme_harness trireme_program ${test_LIBRARIES})
  if(test_DIST)
    target_link_libraries(${name} PRIVATE trireme trireme_dist $<TARGET_NAME_IF_EXISTS:MPI::MPI_C>)
  elseif(test_SHARED)
    target_link_libraries(${name} PRIVATE trireme)
  else()
    target_link_libraries(${name} PRIVATE trireme_internal)
  endif()

  if(name MATCHES "loader|thread")               # what the preset tsan builds and runs
    add_dependencies(thread_tests ${name})
  endif()

  set(memcheck MEMCHECK)
  if(test_NATIVE OR test_LABELS MATCHES "jobs|long")
    set(memcheck "")
  endif()
  if(NOT test_RANKS)
    trireme_add_test(${name} ${memcheck} LABELS unit ${test_LABELS} ENVIRONMENT ${test_ENVIRONMENT} COMMAND $<TARGET_FILE:${name}>)
  elseif(NOT MPI_C_FOUND)
    trireme_add_test(${name}_1 ${memcheck} LABELS unit ${test_LABELS} ENVIRONMENT ${test_ENVIRONMENT} COMMAND $<TARGET_FILE:${name}>)
  else()
    foreach(ranks IN LISTS test_RANKS)
      if(ranks LESS_EQUAL 3)
        set(checked ${ranks})
      endif()
    endforeach()
    foreach(ranks IN LISTS test_RANKS)
      set(memcheck_here "")
      if(ranks EQUAL checked)
        set(memcheck_here ${memcheck})
      endif()
      trireme_add_test(${name}_${ranks} MPI ${memcheck_here} LABELS mpi ${test_LABELS} ENVIRONMENT OMPI_MCA_orte_tag_output=1 ${test_ENVIRONMENT}
        UNDER ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS} COMMAND $<TARGET_FILE:${name}>)
    endforeach()
  endif()
endfunction()

# One entry of CTest, in a folder of its own to write into, with the environment above; UNDER is what starts the COMMAND.
# With MEMCHECK another one, under valgrind.
function(trireme_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "MPI;MEMCHECK" "" "UNDER;COMMAND;LABELS;ENVIRONMENT")
  set(timeout 120)
  if("long" IN_LIST test_LABELS)
    set(configurations CONFIGURATIONS long)
    set(timeout 14400)
  endif()
  list(PREPEND test_ENVIRONMENT ${TRIREME_TEST_ENVIRONMENT})
  if(test_MPI)
    list(PREPEND test_ENVIRONMENT ${TRIREME_MPI_ENVIRONMENT})
  endif()
  trireme_ctest_entry(${name})

  if(test_MEMCHECK AND VALGRIND)
    set(leaks ${TRIREME_MEMCHECK_LEAKS})
    if(test_MPI)
      set(leaks --leak-check=no)
    endif()
    set(test_COMMAND ${TRIREME_MEMCHECK} ${leaks} ${test_COMMAND})
    set(configurations CONFIGURATIONS memcheck)
    set(timeout 600)
    list(APPEND test_ENVIRONMENT ${TRIREME_MEMCHECK_ENVIRONMENT})
    list(APPEND test_LABELS memcheck)
    trireme_ctest_entry(${name}_memcheck)
  endif()
endfunction()

# What trireme_add_test has put together.
macro(trireme_ctest_entry entry)
  set(folder ${PROJECT_BINARY_DIR}/tests/run/${entry})
  file(MAKE_DIRECTORY ${folder})
  add_test(NAME ${entry} COMMAND ${test_UNDER} ${test_COMMAND} WORKING_DIRECTORY ${folder} ${configurations})
  # What starts mpirun itself; trireme run makes it a folder (launcher/mpi_folder.h says why).
  set(environment ${test_ENVIRONMENT})
  if("${MPIEXEC_EXECUTABLE}" IN_LIST test_UNDER OR "${MPIEXEC_EXECUTABLE}" IN_LIST test_COMMAND OR "jobs" IN_LIST test_LABELS)
    list(APPEND environment OMPI_MCA_orte_tmpdir_base=${folder})
  endif()
  if("patient" IN_LIST test_LABELS)
    set_tests_properties(${entry} PROPERTIES COST 1000)   # begins first, so that others run while it waits
  elseif(test_MPI)
    set_tests_properties(${entry} PROPERTIES PROCESSORS 3) # beside what waits, not beside another of these
  endif()
  if("cluster" IN_LIST test_LABELS)
    set_tests_properties(${entry} PROPERTIES RUN_SERIAL ON)
    set(timeout 400)
  endif()
  set_tests_properties(${entry} PROPERTIES
    ENVIRONMENT "${environment}" LABELS "${test_LABELS}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
endmacro()

# The files of this folder: test_*.c, test_*.sh (which find the programs in $TRIREME_BIN and this folder in $TEST_DIR, and
# may have a line "# CTEST LABELS ...").
function(trireme_tests)
  file(GLOB sources CONFIGURE_DEPENDS test_*.c)
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/test_main.c)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} words REGEX "^// CTEST ")
    string(REGEX REPLACE "^// CTEST +" "" words "${words}")
    separate_arguments(words)
    trireme_test(${name} ${words} SOURCES ${source})
  endforeach()

  file(GLOB scripts CONFIGURE_DEPENDS test_*.sh)
  foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    file(STRINGS ${script} words REGEX "^# CTEST ")
    string(REGEX REPLACE "^# CTEST +" "" words "${words}")
    separate_arguments(words)
    trireme_add_test(${name} MPI LABELS program ${words} COMMAND bash ${script}
      ENVIRONMENT TRIREME_BIN=${PROJECT_BINARY_DIR}/bin TEST_DIR=${CMAKE_CURRENT_SOURCE_DIR})
  endforeach()
endfunction()
