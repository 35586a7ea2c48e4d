# Flags are said on interface targets, never globally.
#   trireme_flags      how every object of ours is made
#   trireme_warnings   what the compiler is asked to notice
#   trireme_program    both, for programs

add_library(trireme_flags INTERFACE)
# gnu17, not c17: the standard headers then offer POSIX too. Language extensions still warn (-Wpedantic),
# and the public headers are compiled as plain C11 and C++17 by a test.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
target_compile_options(trireme_flags INTERFACE
  -ffp-contract=off                               # a*b + c is two roundings in every file
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)     # __FILE__ reads autograd/matmul.c

if(TRIREME_GENERIC)
  target_compile_definitions(trireme_flags INTERFACE TRIREME_GENERIC)
endif()
if(TRIREME_SANITIZE)
  list(JOIN TRIREME_SANITIZE "," sanitizers)
  target_compile_options(trireme_flags INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(trireme_flags INTERFACE -fsanitize=${sanitizers})
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # gcc tests a thread-local's address by the flags of the addition that makes it (addq x@gottpoff, je), which ld
    # turns into a lea that sets none: "null" is then seen where none is. A true one crashes, and ASan tells.
    target_compile_options(trireme_flags INTERFACE -fno-sanitize=null)
  endif()
endif()
if(TRIREME_FUZZ)
  target_compile_options(trireme_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(trireme_warnings INTERFACE)
target_compile_options(trireme_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings)

# What every program of ours links: launcher, examples, benchmarks, tests.
add_library(trireme_program INTERFACE)
target_link_libraries(trireme_program INTERFACE trireme_flags trireme_warnings m)
if("address" IN_LIST TRIREME_SANITIZE)
  target_sources(trireme_program INTERFACE ${PROJECT_SOURCE_DIR}/cmake/stay_loaded.c)
  target_link_options(trireme_program INTERFACE -Wl,--export-dynamic-symbol=dlclose)
endif()
