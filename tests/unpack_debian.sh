#!/usr/bin/env bash
# Unpacks Debian packages, and what they need, into a folder: tests/unpack_debian.sh FOLDER PACKAGE… The system stays as
# it is: no package is installed, no service is started.
set -euo pipefail

folder=$1
packages=("${@:2}")

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "This is no Debian: install ${packages[*]} yourself; they are taken from where they are in PATH." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq  # what older lists name may be gone
elif ! apt-cache show "${packages[@]}" >/dev/null 2>&1; then
    echo "apt does not know ${packages[*]}: run 'apt-get update' as root, and this again." >&2
    exit 1
fi

mkdir -p "$folder/packages"
cd "$folder"
# What apt would install: these, and those of the packages they need that are not there.
mapfile -t needed < <(
    apt-get install --print-uris --yes --reinstall --no-install-recommends "${packages[@]}" |
        sed -nE "s/^'[^']*' ([^_]+)_.*/\1/p"
)
(cd packages && apt-get download -qq -o APT::Sandbox::User=root "${needed[@]}")
for package in packages/*.deb; do
    dpkg-deb --extract "$package" .
done
rm -r packages
