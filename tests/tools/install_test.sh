#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What make install lays down: names, links, the compiler wrapper in a place it was not configured
# for, the pkg-config file; and make uninstall takes all of it away.
set -u
. "$top_srcdir/tests/tools/lib.sh"
stage
bin=$prefix/bin

# link DIR NAME TARGET
link()
{
    equal "link $2" "$(readlink "$1/$2")" "$3"
}

link "$libdir" libmpi_abi.so.0 libmpi_abi.so.1
link "$libdir" libmpi.so libmpi_abi.so.1
[ -e "$libdir/libmpi_abi.so" ] || complain "no libmpi_abi.so"
soname=$(readelf -d "$libdir/libmpi_abi.so.1" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
equal SONAME "$soname" libmpi_abi.so.1
link "$bin" mpicxx mpicc
link "$bin" mpic++ mpicc
link "$bin" mpiCC mpicc
for tool in "$bin"/*; do
    page=$(find "$prefix" -path "*/man1/${tool##*/}.1")
    [ -n "$page" ] || complain "${tool##*/} has no manual page"
done

# The wrapper's questions; cc is what the library was built with.
cc=$("$bin/mpicc" -showme:command)
compile=-I$prefix/include
link="-L$libdir -Wl,-rpath,$libdir -Wl,--enable-new-dtags -lmpi_abi"
equal -show "$("$bin/mpicc" -show)" "$cc $compile $link"
equal -showme "$("$bin/mpicc" -showme x.c)" "$cc $compile x.c $link"
equal '-show -c' "$("$bin/mpicc" -show -c x.c)" "$cc $compile -c x.c"
equal '-show quotes' "$("$bin/mpicc" -show -c '-DX=a b')" "$cc $compile -c '-DX=a b'"
equal -showme:compile "$("$bin/mpicc" -showme:compile)" "$compile"
equal -showme:link "$("$bin/mpicc" -showme:link)" "$link"
equal -compile_info "$("$bin/mpicc" -compile_info)" "$cc $compile"
equal -link_info "$("$bin/mpicc" -link_info)" "$cc $link"
equal 'another compiler' "$(ORIEL_CC='nice cc' "$bin/mpicc" -show -c x.c)" "nice cc $compile -c x.c"
equal OMPI_CC "$(OMPI_CC=ompi MPICH_CC=mpich "$bin/mpicc" -showme:command)" ompi
equal MPICH_CC "$(MPICH_CC=mpich "$bin/mpicc" -showme:command)" mpich
equal -cc= "$("$bin/mpicc" -cc=mycc -showme:command)" mycc
equal 'relative call' "$(cd "$bin" && ./mpicc -showme:libdirs)" "$libdir"
equal 'call by PATH' "$(PATH=$bin:$PATH mpicc -showme:libdirs)" "$libdir"
mkdir "$scratch/far"
ln -s "$bin/mpicc" "$scratch/far/mpicc"
equal 'call by a link' "$("$scratch/far/mpicc" -showme:libdirs)" "$libdir"
ln -s "$bin" "$scratch/tools"
equal 'call through a folder by another name' "$("$scratch/tools/mpicc" -showme:libdirs)" "$libdir"
ln -s "$bin/mpicxx" "$scratch/far/mpicxx.oriel"
equal 'C++ with a suffix' "$("$scratch/far/mpicxx.oriel" -showme:command)" "$("$bin/mpicxx" -showme:command)"
for option in -c --compile --preprocess --analyze -emit-ast; do
    equal "$option" "$("$bin/mpicc" -show $option x.c)" "$cc $compile $option x.c"
done
equal 'a header alone' "$("$bin/mpicc" -show x.h)" "$cc $compile x.h"
equal 'a header that is a program' "$("$bin/mpicc" -show -x c x.h)" "$cc $compile -x c x.h $link"
"$bin/mpicc" -cc= -show 2> /dev/null && complain "-cc= with nothing behind it is accepted"

# A wrapper with folders outside the prefix: below DESTDIR they are, in a tree that was moved they have stayed.
# wrapper PREFIX INCLUDEDIR LIBDIR FILE
wrapper()
{
    mkdir -p "${4%/*}"
    sed -e "s|@prefix@|$1|; s|@exec_prefix@|$1|; s|@bindir@|$1/bin|; s|@includedir@|$2|; s|@libdir@|$3|" \
        "$top_srcdir/tools/mpicc.in" > "$4"
    chmod +x "$4"
}
mkdir -p "$scratch/below/usr/include" "$scratch/below/opt/lib" "$scratch/moved/include"
touch "$scratch/below/usr/include/mpi.h" "$scratch/moved/include/mpi.h"
wrapper /usr /usr/include /opt/lib "$scratch/below/usr/bin/mpicc"
equal 'libdir below DESTDIR' "$("$scratch/below/usr/bin/mpicc" -showme:libdirs)" "$scratch/below/opt/lib"
wrapper /nowhere /nowhere/include "$scratch/below/opt/lib" "$scratch/moved/bin/mpicc"
equal 'libdir that has stayed' "$("$scratch/moved/bin/mpicc" -showme:libdirs)" "$scratch/below/opt/lib"
equal 'includedir that was moved' "$("$scratch/moved/bin/mpicc" -showme:incdirs)" "$scratch/moved/include"

equal --version "$("$bin/mpicc" --version)" "$($cc --version)"
case $("$bin/mpicc" -showme:version) in
*Oriel*) ;;
*) complain "-showme:version does not name Oriel" ;;
esac
"$bin/mpicc" -showme:nonsense 2> /dev/null && complain "-showme:nonsense is accepted"
"$bin/mpicc" 2> /dev/null && complain "no argument is accepted"

# It compiles and links in one step and in two, and the program finds the library by itself.
runs()
{
    equal "$1" "$(env -u LD_LIBRARY_PATH "$2" 2>&1)" "rank 0 of 1"
}
"$bin/mpicc" -o "$scratch/one" "$top_srcdir/tests/tools/hello.c" || complain "mpicc fails"
runs 'one step' "$scratch/one"
"$bin/mpicc" -c -o "$scratch/two.o" "$top_srcdir/tests/tools/hello.c" &&
    "$bin/mpicc" -o "$scratch/two" "$scratch/two.o" || complain "mpicc fails in two steps"
runs 'two steps' "$scratch/two"
needed=$(readelf -d "$scratch/one" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.so')
case $cc in
*sanitize*) ;;
*) equal 'direct dependencies' "$needed" libmpi_abi.so.1 ;;
esac
if command -v "$("$bin/mpicxx" -showme:command)" > /dev/null; then
    "$bin/mpicxx" -o "$scratch/cxx" "$top_srcdir/tests/tools/hello.cc" || complain "mpicxx fails"
    runs C++ "$scratch/cxx"
fi

pc=$(dirname "$(find "$prefix" -name oriel.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --define-prefix --cflags --libs oriel)
equal pkg-config "$(echo $flags)" "$compile -L$libdir -lmpi_abi"
static=$(PKG_CONFIG_PATH=$pc pkg-config --define-prefix --static --libs oriel)
case $static in
*-lmpi_abi*-lpmix*-lhwloc*) ;;
*) complain "pkg-config --static lacks what the library needs: $static" ;;
esac

${MAKE:-make} -C "$top_builddir" uninstall DESTDIR="$scratch/stage" > /dev/null 2>&1
left=$(find "$scratch/stage" ! -type d)
[ -z "$left" ] || complain "left by make uninstall: $left"
exit $failed
