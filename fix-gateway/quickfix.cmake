# QuickFIX is built with optimisation and debug information; nobody here steps through it, and the information is a third of
# what its compilation takes. .cargo/config.toml hands this file to cmake.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -DNDEBUG" CACHE STRING "")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -DNDEBUG" CACHE STRING "")
