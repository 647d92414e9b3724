#!/bin/sh
# notify-user-http.sh - a sample for notify_user.command: posts what was refused of an
# MTC user's devices to an HTTPS server.
#
# Standard input is one JSON object (docs/OPERATING.md). The address is that in
# notify-user.url beside this script, or the user's contact if that is one.
# Status 0: it is told. Anything else: it is tried again with the next notice; the
# first line of what is said here goes into the log.
set -eu
notice=$(cat)
contact=$(printf '%s\n' "$notice" | sed -n 's/.*"contact":"\(https:[^"\\]*\)".*/\1/p')
default=$(dirname "$0")/notify-user.url
url=${contact:-$(head -n 1 "$default" 2>/dev/null || true)}
[ -n "$url" ] || { echo "no https: address: neither the user's contact nor $default has one"; exit 1; }
printf '%s\n' "$notice" | curl --silent --show-error --fail --proto =https --max-time 8 \
	--header 'Content-Type: application/json' --data-binary @- --output /dev/null -- "$url" 2>&1
