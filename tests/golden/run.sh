#!/bin/bash
# run.sh [FILE.cli]... - plays transcripts of iwfctl and compares.
#
# A transcript has comments (#), commands ("$ ...") and, under each command,
# what it said on either output ("> ...") and "[exit N]" unless it was 0. Each transcript
# begins in an empty directory with a configuration file; iwfctl is called with
# it. In what is said, times read YYYY-MM-DDThh:mm:ssZ, the directory DIR, who
# ran it USER. Commands may use $dir, $here and $iwfctl_bin.
#
#   U=1 tests/golden/run.sh ...    writes down what is said now
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
iwfctl_bin=${IWFCTL:-$PWD/iwfctl}
[ -x "$iwfctl_bin" ] || { echo "run.sh: no $iwfctl_bin; run it in the build directory, or set IWFCTL" >&2; exit 1; }
command -v sqlite3 >/dev/null || { echo "run.sh: sqlite3 is missing (Debian: sqlite3)" >&2; exit 77; }
command -v certtool >/dev/null || { echo "run.sh: certtool is missing (Debian: gnutls-bin)" >&2; exit 77; }
command -v zstd >/dev/null || { echo "run.sh: zstd is missing (Debian: zstd)" >&2; exit 77; }
[ $# -gt 0 ] || set -- "$here"/*.cli
export TZ=UTC LC_ALL=C
unset SUDO_USER
user=$(id -un)

# shellcheck disable=SC2317  # transcripts call these two
iwfctl() { "$iwfctl_bin" -c mtc-iwf.conf "$@"; }
# shellcheck disable=SC2317
make_certs() { "$here/../../conf/make-certs.sh" "$@"; }

# What differs from run to run, made the same.
same() {
	sed -E -e "s|$dir|DIR|g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/YYYY-MM-DDThh:mm:ssZ/g' \
		-e "s/(  |\")$user: /\\1USER: /" -e 's/^(octets +)[0-9]+/\1N/'
}

# play FILE: the transcript as it is now
play() {
	local line words
	while IFS= read -r line; do
		case $line in
		'$ '*)
			printf '%s\n' "$line"
			words=$(eval "${line#??}" 2>&1 </dev/null)
			local status=$?
			[ -z "$words" ] || printf '%s\n' "$words" | same | sed 's/^/> /; s/ *$//'
			[ $status = 0 ] || echo "[exit $status]";;
		'#'*|'') printf '%s\n' "$line";;
		esac
	done <"$1"
}

top=$(mktemp -d "${TMPDIR:-/tmp}/iwfctl.XXXXXX")
trap 'rm -rf "$top"' EXIT
failed=0
files=()
for file in "$@"; do files+=("$(realpath "$file")"); done
for file in "${files[@]}"; do
	dir=$top/$(basename "$file" .cli)
	mkdir "$dir"
	cd "$dir" || exit 1
	cat >mtc-iwf.conf <<-'END'
	store = { uri = "sqlite:iwf.db"; };
	t4 = { smssc = ( { host = "smssc.operator.example"; realm = "operator.example"; } ); };
	END
	play "$file" >"$top/now"
	if [ -n "${U:-}" ]; then
		cmp -s "$top/now" "$file" || { cp "$top/now" "$file"; echo "written: $file"; }
	elif ! diff -u "$file" "$top/now"; then
		echo "FAILED: $(basename "$file")"
		failed=1
	else
		echo "ok: $(basename "$file")"
	fi
done
exit $failed
