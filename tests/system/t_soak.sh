#!/bin/bash
# Everything at once for a while; the long form is `make soak`.
SOAK_SECONDS=${SOAK_SECONDS:-40}
. "$SRC/tests/bench/soak.sh"
