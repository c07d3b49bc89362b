#!/bin/sh
# Run tests/picamera2 with real picamera2 and real libcamera, in a Debian 13 of their own.
#
#     tests/picamera2/chroot.sh PYTHON [pytest's arguments]      PYTHON: one that has pip
#
# Debian 13's libcamera has a virtual camera that serves pictures from a folder; the Pi's has none.
# It is made once, in .cache/ (a minute, 800 MB), on Debian 13 as elsewhere: the virtual camera's
# configuration lies in /usr/share, which is not the tests' to write in. The tests see the working
# tree, read-only, and no network.
set -eu

python=$1
shift
repository=$(cd "$(dirname "$0")/../.." && pwd)
here=$repository/tests/picamera2
root=$repository/.cache/picamera2

say() {
    echo "test-picamera2: $*" >&2
    exit 1
}

make_debian() {
    # The mirror is the one that this machine's apt uses; mmdebstrap knows one for other systems.
    mirror=$(apt-get indextargets --format '$(SITE)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
    mmdebstrap --quiet --mode=root --variant=essential \
        --include=python3,python3-libcamera,libcamera-ipa,python3-prctl,gcc,libc6-dev \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        trixie "$1" ${mirror:+"$mirror"}
}

install_python_packages() {
    # From outside, so that whatever tells this machine's pip where to look tells it here.
    machine=$(uname -m)
    "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --no-deps --no-compile --require-hashes --ignore-requires-python --only-binary :all: \
        --python-version 3.13 --platform "manylinux2014_$machine" \
        --platform "manylinux_2_27_$machine" --platform "manylinux_2_28_$machine" \
        --target "$1/opt/python" -r "$here/requirements.txt" -r "$repository/locks/edge.txt"
}

install_virtual_camera() {
    mkdir -p "$1/frames" "$1/galago" "$1/usr/share/libcamera/pipeline/virtual" "$1/dev/dma_heap"
    cp "$here/virtual.yaml" "$1/usr/share/libcamera/pipeline/virtual/"
    cp "$here/kernel.c" "$1/opt/"
    touch "$1/dev/udmabuf" "$1/dev/dma_heap/linux,cma"
    chroot "$1" gcc -O2 -Wall -Werror -shared -fPIC -o /opt/kernel.so /opt/kernel.c
}

[ "$(id -u)" = 0 ] || say "making and entering a Debian 13 needs root: sudo make test-picamera2"
for program in mmdebstrap unshare chroot; do
    command -v $program >/dev/null || say "$program is missing: apt install mmdebstrap util-linux"
done

made_of=$(cat "$0" "$here/requirements.txt" "$repository/locks/edge.txt" "$here/virtual.yaml" \
    "$here/kernel.c" | sha256sum)
if [ "$made_of" != "$(cat "$root/made_of" 2>/dev/null)" ]; then
    echo "test-picamera2: making a Debian 13 in $root" >&2
    rm -rf "$root" "$root.new"
    mkdir -p "$repository/.cache"
    make_debian "$root.new"
    install_python_packages "$root.new"
    install_virtual_camera "$root.new"
    echo "$made_of" >"$root.new/made_of"
    mv "$root.new" "$root"
fi

# The mounts end with the process: its mount namespace is its own.
exec unshare --mount --pid --net --fork sh -euc '
    repository=$1 root=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$repository" "$root/galago"
    mount -o remount,bind,ro "$root/galago"
    exec chroot "$root" env -i PATH=/usr/bin:/usr/sbin HOME=/tmp LANG=C.UTF-8 \
        PYTHONDONTWRITEBYTECODE=1 LD_PRELOAD=/opt/kernel.so \
        PYTHONPATH=/galago/edge:/galago/tests/picamera2/stand_ins:/opt/python \
        sh -euc "cd /galago; exec python3 -m pytest -p no:cacheprovider \"\$@\"" sh "$@"
' sh "$repository" "$root" "${@:-tests/picamera2}"
