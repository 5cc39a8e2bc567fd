#!/usr/bin/env bash
# Runs a command as root of a machine that looks fresh: `unshare --mount --net fresh.sh LAYERS KEPT... -- COMMAND...`.
# What is written below /etc, /opt, /usr/local, /var/lib and home goes into the folder LAYERS; of home, only the folders
# KEPT are there. The network is a loopback that nobody else has.
set -euo pipefail
umask 022
layers=$1
shift
kept=()
while [ "$1" != -- ]; do
  kept+=("$1")
  shift
done
shift

mount --make-rprivate /
mount -t tmpfs tmpfs "$layers"
for folder in /etc /opt /usr/local /var/lib; do
  mkdir -p "$layers/upper$folder" "$layers/work$folder"
  mount -t overlay -o "lowerdir=$folder,upperdir=$layers/upper$folder,workdir=$layers/work$folder" overlay "$folder"
done
for folder in "${kept[@]}"; do
  mkdir -p "$layers/kept$folder"
  mount --bind "$folder" "$layers/kept$folder"
done
mount -t tmpfs -o mode=755 tmpfs "$HOME"
for folder in "${kept[@]}"; do
  mkdir -p "$folder"
  mount --bind "$layers/kept$folder" "$folder"
done
ip link set lo up
exec "$@"
