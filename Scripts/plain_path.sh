#!/bin/sh
# Makes a folder that is a PATH with what the README asks for and nothing else: the standard commands of any system, make
# and python3, the linker that Swift calls, but no other shell, editor or terminal multiplexer. Prints its name; `make test-plain` runs tests under it.
set -eu
folder=$1
rm -rf "$folder"
mkdir -p "$folder"
for tool in sh awk basename cat chmod cmp cp cut date dd df diff dirname echo env expr false find getconf git grep head id \
  kill ln ls make mkdir mkfifo mktemp mv nice od paste printf ps pwd python3 readlink rm rmdir sed seq sleep sort stat tail \
  tar tee test touch tr true uname uniq wc which xargs yes ar as ld ld.gold nm objcopy strip; do
  path=$(command -v "$tool") || continue
  case $path in /*) ln -s "$path" "$folder/$tool" ;; esac
done
cd "$folder"
pwd
