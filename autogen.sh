#!/bin/sh
# Makes ./configure from configure.ac; needed once in a fresh checkout.
set -e
cd "$(dirname "$0")"
mkdir -p m4 build-aux
exec autoreconf -fi
