# case.sh - cases of a system test: one line each, a status at the end.
#
#   case_begin                makes a lab directory that is gone at the end, in LAB_TMP, or as mktemp does
#   is NAME GOT WANT          GOT is WANT
#   like NAME GOT PATTERN     GOT matches the glob
#   works NAME COMMAND...     the command succeeds
#   becomes NAME STATUS COMMAND...   it ends with that status; at first it may not
#   case_skip NAME            cannot be tried here: the test counts as skipped, unless a case fails
#   case_end                  last line of the test
. "$SRC/tests/system/lab.sh"
case_n=0 case_bad=0 case_skipped=0

case_begin() {
	case_dir=$(mktemp -d "${LAB_TMP:-${TMPDIR:-/tmp}}/iwf-test.XXXXXX") || exit 1
	trap 'lab_stop; rm -rf "$case_dir"' EXIT
	trap 'exit 1' INT TERM
}
case_ok() { case_n=$((case_n + 1)); echo "ok - $1"; }
case_not_ok() { case_n=$((case_n + 1)); case_bad=$((case_bad + 1)); echo "not ok - $1"; shift; printf '    %s\n' "$@"; }
case_skip() { case_skipped=$((case_skipped + 1)); echo "skip - $1"; }
is() { if [ "$2" = "$3" ]; then case_ok "$1"; else case_not_ok "$1" "came:   $2" "wanted: $3"; fi; }
like() { case $2 in $3) case_ok "$1";; *) case_not_ok "$1" "came:   $2" "wanted: $3";; esac; }
works() {
	local name=$1 out status
	shift
	out=$("$@" 2>&1) && { case_ok "$name"; return; }
	status=$?
	case_not_ok "$name" "status $status of: $*" "$out"
}
case_gives() { local want=$1; shift; "$@"; [ $? = "$want" ]; }
becomes() {
	local name=$1 want=$2 status
	shift 2
	lab_wait 10 case_gives "$want" "$@" && { case_ok "$name"; return; }
	"$@"
	status=$?
	is "$name" "$status" "$want"
}
case_end() {
	local f
	lab_stop
	# Also what the node writes keeps to the CHECK constraints, which are not evaluated for it.
	[ ! -s "${LAB_DB:-}" ] || is "the database is sound" "$(lab_sql 'PRAGMA integrity_check')" ok
	for f in "$LAB"/sanitizer.*; do
		[ -e "$f" ] && case_not_ok "no sanitizer report" "$(head -60 "$f")"
	done
	if [ "$case_bad" != 0 ]; then
		for f in "$LAB"/*.log; do echo "---- $(basename "$f")"; tail -40 "$f"; done
	fi
	echo "$case_n cases, $case_bad failed, $case_skipped skipped"
	[ "$case_bad" = 0 ] && [ "$case_n" -gt 0 ] || exit 1
	[ "$case_skipped" = 0 ] || exit 77
	exit 0
}
