#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# find_package(MPI) finds this library, and what it builds runs.
set -u
if ! command -v cmake > /dev/null; then
    echo "cmake_test: cmake is not installed (apt-get install cmake)"
    exit 77
fi
if ! command -v c++ > /dev/null; then
    echo "cmake_test: there is no C++ compiler (apt-get install g++)"
    exit 77
fi
. "$top_srcdir/tests/tools/lib.sh"
stage

PATH=$prefix/bin:$PATH cmake -S "$top_srcdir/tests/tools" -B "$scratch/build" > "$scratch/cmake.log" 2>&1 || {
    cat "$scratch/cmake.log"
    complain "cmake failed"
    exit 1
}
grep -q "found MPI 5.0 by $prefix/bin/mpicc, launcher $prefix/bin/mpiexec\$" "$scratch/cmake.log" || {
    grep MPI "$scratch/cmake.log"
    complain "cmake did not find this MPI"
}
cmake --build "$scratch/build" > "$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log"
    complain "what cmake set up does not build"
    exit 1
}
for program in hello_c hello_cc; do
    equal "$program" "$("$scratch/build/$program" 2>&1)" "rank 0 of 1"
done
exit $failed
