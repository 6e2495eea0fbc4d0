#!/bin/sh
# Packs the program (the first argument) with its papers into dist/; `make dist` runs it.
set -eu
cd "$(dirname "$0")/.."
program=$1
version=$("$program" --version | head -n 1 | awk '{ print $NF }')
name=minigpt-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)
folder=dist/$name
rm -rf "$folder" "$folder.tar.gz"
mkdir -p "$folder"
cp "$program" README.md LICENSE CHANGELOG.md "$folder/"
cp -R Docs "$folder/"
# The same bytes for the same content: names in order, no owner, the time of the commit.
time=$(git log -1 --format=%ct 2>/dev/null || echo 0)
if tar --version 2>/dev/null | grep -q GNU; then
  tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -cf - "$name" | gzip -9n > "$folder.tar.gz"
else
  tar -C dist -cf - "$name" | gzip -9n > "$folder.tar.gz"
fi
rm -rf "$folder"
(cd dist && { sha256sum "$name.tar.gz" || shasum -a 256 "$name.tar.gz"; } > "$name.tar.gz.sha256" 2>/dev/null)
cat "$folder.tar.gz.sha256"
