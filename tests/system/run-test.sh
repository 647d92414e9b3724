#!/bin/bash
# run-test.sh TEST...: runs each in turn, says PASS, FAIL or SKIP as automake
# does, keeps its output in BUILD/TEST.log; the status tells whether all passed.
set -u
: "${SRC:?}" "${BUILD:?}"
export SRC BUILD
# In memory where there is room: on the disk of a busy machine an fsync may take many seconds, and only few tests are
# about the disk.
if [ -z "${TMPDIR:-}" ] && room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) && [ "${room:-0}" -gt 1000000 ]; then
	LAB_TMP=/dev/shm
fi
export LAB_TMP=${LAB_TMP:-}
bad=0
for t in "$@"; do
	log=$BUILD/$t.log trs=$BUILD/$t.trs
	log=${log%.sh.log}; log=${log%.log}.log; trs=${log%.log}.trs
	mkdir -p "$(dirname "$log")"
	prog=$SRC/$t
	[ -x "$prog" ] || prog=$BUILD/$t
	timeout -k 10 "${TEST_TIMEOUT:-900}" "$prog" >"$log" 2>&1 </dev/null
	case $? in
	0) result=PASS;;
	77) result=SKIP;;
	124|137) result=FAIL; bad=1; echo "not ok - it ends: stopped after ${TEST_TIMEOUT:-900} s" >>"$log";;
	*) result=FAIL; bad=1;;
	esac
	echo ":global-test-result: $result" >"$trs"
	echo "$result: $t"
done
exit $bad
