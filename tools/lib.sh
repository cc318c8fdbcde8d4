# SPDX-License-Identifier: BSD-3-Clause
# What quickstart and check share. Sourced, with `top` set to the root of the tree and `me` to the
# name that messages carry.

build=$top/build
log=$build/log
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
: "${HOME:=$build}"
export HOME

# One build at a time in one tree: two would write the same files.
lock_build()
{
    mkdir -p "$log"
    if [ "${ORIEL_BUILD_LOCKED-}" = "$build" ]; then
        return
    fi
    exec 9> "$build/.lock"
    if ! flock -n 9; then
        say "another quickstart or check works in this tree; waiting for it"
        flock 9
    fi
    export ORIEL_BUILD_LOCKED="$build"
}

say()
{
    printf '%s: %s\n' "$me" "$*"
}

die()
{
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

# quietly NAME COMMAND...: runs COMMAND with its output in the log NAME, the end of which is shown when it fails.
quietly()
{
    log_name=$log/$1.log
    shift
    quiet_status=0
    "$@" > "$log_name" 2>&1 9>&- < /dev/null || quiet_status=$?
    if [ $quiet_status -ne 0 ]; then
        printf '%s: failed (status %s): %s\n' "$me" $quiet_status "$*" >&2
        tail -n 30 "$log_name" | sed 's/^/    /' >&2
        printf '%s: the whole of it is in %s\n' "$me" "$log_name" >&2
    fi
    return $quiet_status
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo env DEBIAN_FRONTEND="$DEBIAN_FRONTEND" "$@"
    else
        printf '%s: not root, and there is no sudo\n' "$me" >&2
        return 1
    fi
}

# missing_packages NAME...: those of the Debian packages that are not installed
missing_packages()
{
    for package; do
        case $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) in
        'install ok installed') ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

install_packages()
{
    as_root apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

# need_packages NAME...: installs the Debian packages that are missing. Lists are fetched only if needed.
need_packages()
{
    command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
        die "this system has no apt-get; install by hand what these Debian packages hold: $*"
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    say "installing ${missing% }"
    if [ "$(id -u)" -ne 0 ] && [ -t 0 ]; then
        sudo -v || return 1 # asks for the password here, where it can be seen
    fi
    # The lists at hand may do; if not, they are fetched first.
    # shellcheck disable=SC2086 # a list of names
    if quietly apt-install install_packages $missing 2> /dev/null; then
        return 0
    fi
    # shellcheck disable=SC2086
    quietly apt-update as_root apt-get update && quietly apt-install install_packages $missing ||
        { say "could not; install them by hand: apt-get install ${missing% }" >&2; return 1; }
}

# cpus: how many compilers may run at once
cpus()
{
    nproc 2> /dev/null || echo 2
}

# build_tree DIR ARGUMENT...: configures the tree in DIR, unless it stands there with the same arguments, and builds it.
build_tree()
{
    dir=$1
    shift
    name=${dir##*/}
    if [ ! -x "$top/configure" ] || [ ! -e "$top/Makefile.in" ]; then
        (cd "$top" && quietly autoreconf autoreconf -fi) || return 1
    fi
    mkdir -p "$dir"
    if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/.arguments" 2> /dev/null)" != "$*" ]; then
        (cd "$dir" && quietly "$name-configure" "$top/configure" "$@") || return 1
        printf '%s\n' "$*" > "$dir/.arguments"
    fi
    quietly "$name-make" make -C "$dir" -j"$(cpus)" all
}

# usable_python COMMAND: prints the path of the interpreter that COMMAND starts, if extensions can be built for
# it and it can make virtual environments. Inside an environment it is the interpreter that made it.
usable_python()
{
    "$1" - 2> /dev/null << 'END'
import os, sys, sysconfig
import ensurepip, venv
base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
header = os.path.join(sysconfig.get_config_var("INCLUDEPY"), "Python.h")
if sys.version_info < (3, 8) or not os.path.exists(header):
    sys.exit(1)
print(base)
END
}
