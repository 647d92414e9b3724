#!/bin/sh
# dict_load.sh - dict_mtc.fdx in a real freeDiameterd: alone, before and after the
# dictionaries that come with freeDiameter, and with one that contradicts it.
#
#   SRC=<source directory> BUILD=<build directory> tests/system/dict_load.sh
#
# No port is opened.  Exit status 0: passed, 77: skipped, else failed.
set -u
BUILD=$(cd "${BUILD:-.}" && pwd)
SRC=$(cd "${SRC:-$(dirname "$0")/../..}" && pwd)
daemon=$(command -v freeDiameterd || echo /usr/bin/freeDiameterd)
fdx=$BUILD/.libs/dict_mtc.fdx
clash=$BUILD/.libs/dict_clash.fdx
work=$(mktemp -d) || exit 1
pid=
failed=0

finish() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

skip() { echo "SKIP: $1"; exit 77; }
[ -x "$daemon" ] || skip "freeDiameterd is not installed (freediameterd)"
for stock in dict_nasreq dict_dcca dict_dcca_3gpp; do
	ls /usr/lib/freeDiameter/$stock.fdx /usr/lib/*/freeDiameter/$stock.fdx 2>/dev/null | grep -q . ||
		skip "$stock.fdx is not installed (freediameter-extensions)"
done
command -v certtool >/dev/null || skip "certtool is not installed (gnutls-bin)"
[ -r "$fdx" ] || { echo "FAIL: $fdx is not built"; exit 1; }
[ -r "$clash" ] || { echo "FAIL: $clash is not built (make check builds it)"; exit 1; }

"$SRC/conf/make-certs.sh" "$work/pki" iwf.example >/dev/null || { echo "FAIL: no certificate"; exit 1; }

LD_LIBRARY_PATH=$BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
# A sanitizer's run-time library has to come first in a daemon built without it.
preload=$(ldd "$fdx" | awk '/lib[at]san/ { print $3; exit }')
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

stock='LoadExtension = "dict_nasreq.fdx"; LoadExtension = "dict_dcca.fdx"; LoadExtension = "dict_dcca_3gpp.fdx";'
ours="LoadExtension = \"$fdx\";"

# start NAME EXTENSIONS: runs until the daemon is up or gone; true if it is up.
start() {
	log=$work/$1.log
	cat > "$work/$1.conf" <<END
Identity = "iwf.example";
Realm = "example";
Port = 0;
SecPort = 0;
No_SCTP;
NoRelay;
ListenOn = "127.0.0.1";
TLS_Cred = "$work/pki/iwf.example.crt", "$work/pki/iwf.example.key";
TLS_CA = "$work/pki/ca.crt";
$2
END
	: > "$log"
	LD_PRELOAD=$preload "$daemon" -dd -c "$work/$1.conf" > "$log" 2>&1 &
	pid=$!
	tries=0
	while [ $tries -lt 150 ] && kill -0 "$pid" 2>/dev/null; do
		grep -Eq 'freeDiameterd daemon initialized|framework is terminated' "$log" && break
		sleep 0.1
		tries=$((tries + 1))
	done
	grep -q 'freeDiameterd daemon initialized' "$log"
}

# stop: asks the daemon to end, and after 10 s makes it; its exit status.
stop() {
	kill -TERM "$pid" 2>/dev/null
	tries=0
	while [ $tries -lt 100 ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		tries=$((tries + 1))
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	status=$?
	pid=
	return $status
}

complain() {
	echo "FAIL: $1"
	grep -E 'ERROR|FATAL|dict_mtc' "$log" | tail -n 12
	failed=1
}

comes_up() {
	if ! start "$1" "$2"; then
		stop
		complain "$1: freeDiameterd did not come up"
		return
	fi
	stop || { complain "$1: freeDiameterd did not stop cleanly ($status)"; return; }
	grep -q 'dict_mtc: Tsp, S6m and T4 are in the dictionary' "$log" || { complain "$1: dict_mtc did not say so"; return; }
	if grep -q 'ERROR' "$log"; then
		complain "$1: errors in the log"
		return
	fi
	echo "ok: $1"
}

refuses() {
	if start "$1" "$2"; then
		stop
		complain "$1: freeDiameterd came up"
		return
	fi
	stop # a sanitizer can keep the daemon from ending after a failed start; that is not asked here
	grep -q "$3" "$log" || { complain "$1: the log does not say: $3"; return; }
	echo "ok: $1: $(grep -o "$3" "$log" | head -n 1)"
}

comes_up ours-alone "$ours"
comes_up stock-then-ours "$stock $ours"
comes_up ours-then-stock "$ours $stock"
refuses other-type "LoadExtension = \"$clash\"; $ours" \
	'AVP Reference-Number (code 3007, vendor 10415) is already defined as Stock-Reference with flags VM and type OctetString; TS 29.368 6.4.8 wants flags VM and type Unsigned32'
refuses other-rule "LoadExtension = \"$clash\" : \"rule\"; $ours" \
	'Payload in Trigger-Data already has a rule with 0 to 2 occurrences; TS 29.368 6.4.4 wants 1 to 1'
exit $failed
