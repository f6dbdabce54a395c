#!/bin/sh
# Builds libopenvswitch.a from the distribution's openvswitch-source package,
# once per tarball and recipe, into a cache outside the tree.
#
#   ovs-static.sh [CACHE_DIR]
#
# Prints the directory that holds src/ (headers) and build/ (generated headers
# and lib/.libs/libopenvswitch.a).  The cache key is the hash of the tarball and
# of this script, so a security update of the package leads to a rebuild.
set -eu

tarball=/usr/src/openvswitch/openvswitch.tar.gz
cache=${1:-}
[ -n "$cache" ] || cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/neutrino

if [ ! -r "$tarball" ]; then
    echo "ovs-static: $tarball is missing: install openvswitch-source (make deps)" >&2
    exit 1
fi

key=$(cat "$tarball" "$0" | sha256sum | cut -c1-16)
dir=$cache/ovs-$key
if [ -f "$dir/done" ]; then
    echo "$dir"
    exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ ! -f "$dir/done" ]; then
    rm -rf "$dir"
    mkdir -p "$dir/src" "$dir/build"
    tar xzf "$tarball" -C "$dir/src" --strip-components=1
    (
        cd "$dir/build"
        # unbound and afxdp would add libraries, avx512 a second archive; the
        # section flags let the linker drop what a program does not use.
        ../src/configure -q --disable-shared --enable-static --disable-afxdp \
            --disable-libcapng --disable-dependency-tracking \
            --localstatedir=/var --sysconfdir=/etc \
            ac_cv_lib_unbound_ub_ctx_create=no ovs_cv__mavx512f=no \
            PYTHON3=/usr/bin/python3 CC=cc \
            CFLAGS="-O2 -g1 -fPIC -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2"
        # The library's sources need these before the first compile.
        printf 'include Makefile\ngen: include/odp-netlink.h include/odp-netlink-macros.h lib/vswitch-idl.c lib/vswitch-idl.h lib/ovsdb-server-idl.c lib/ovsdb-server-idl.h\n' >one.mk
        make -s -f one.mk gen
        make -s -j"$(nproc)" lib/libopenvswitch.la
    ) >"$dir/log" 2>&1 || { tail -n 30 "$dir/log" >&2; exit 1; }
    rm -rf "$dir/src/tests" "$dir/src/Documentation" "$dir/src/python" "$dir/src/datapath-windows"
    find "$dir/build" -name '*.o' -delete
    touch "$dir/done"
fi
echo "$dir"
