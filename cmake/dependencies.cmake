# What the floors link, each as a target. A part that may be missing leaves its target undefined.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWLOC IMPORTED_TARGET hwloc>=2.0)

# By pkg-config, not find_package(BLAS): that one links the generic libopenblas.so, and where both
# builds are installed the pthread one then wins at run time over the OpenMP one.
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
find_package(DNNL)

if(NOT TRIREME_MPI STREQUAL "OFF")
  set(MPI_C_SKIP_MPICXX ON)
  if(TRIREME_MPI STREQUAL "ON")
    find_package(MPI 3.0 REQUIRED COMPONENTS C)
  else()
    find_package(MPI 3.0 COMPONENTS C)
  endif()
endif()
if(NOT MPI_C_FOUND)
  message(STATUS "MPI: none, libtrireme-dist knows only one rank")
endif()

# libtrireme-cuda takes minutes to compile: AUTO does it only where its devices are.
if(TRIREME_CUDA STREQUAL "AUTO" AND EXISTS /dev/nvidiactl)
  include(CheckLanguage)
  check_language(CUDA)
endif()
if(TRIREME_CUDA STREQUAL "ON" OR CMAKE_CUDA_COMPILER)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES "75-real;80-real;90-real;90-virtual" CACHE STRING "GPUs to compile for")
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)          # a static one beside another's is two runtimes
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  if(CMAKE_VERSION VERSION_LESS 3.26 AND NOT TARGET CUDA::nvToolsExt)
    add_library(CUDA::nvToolsExt INTERFACE IMPORTED) # CMake 3.25.1 takes for granted what CUDA 13 has no more
  endif()
  find_package(CUDAToolkit REQUIRED)
  list(APPEND CMAKE_BUILD_RPATH ${CUDAToolkit_LIBRARY_DIR})  # CMake leaves an implicit folder out
else()
  message(STATUS "CUDA: libtrireme-cuda is not built (TRIREME_CUDA=ON builds it, AUTO where a compiler and a device are)")
endif()
