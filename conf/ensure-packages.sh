#!/bin/bash
# ensure-packages.sh USE...: installs the Debian packages of those uses (see
# debian-packages) that are missing, when root; otherwise says what to install.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
missing=()
for use in "$@"; do
	while read -r _ packages; do
		for p in $packages; do
			dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
		done
	done < <(grep "^$use " "$here/debian-packages")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "Missing packages. As root:  apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Nothing here needs a service of the system's; freediameterd would start one.
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -15 "$log" >&2
	echo "apt-get failed; the whole of it: $log" >&2
	exit 1
fi
rm -f "$log"
