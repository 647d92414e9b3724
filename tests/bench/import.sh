#!/bin/bash
# import.sh - rows a second of `iwfctl device import` into a node that serves, and what the node's traffic notices:
# `make bench-import`, docs/PERFORMANCE.md.
#
#   IMPORT_DEVICES=1000000   rows of the file
#   IMPORT_ORDER=sorted      or shuffled
#   IMPORT_RATE=200          triggers a second
#   IMPORT_SECONDS=10        of them before, and beside a process that only computes
#   IMPORT_JOURNAL=0         rows of the journal that are made for the start at the end
#
# Prints a table.  Asserts nothing about times; fails only if something could not be measured.
set -u
: "${SRC:?}" "${BUILD:?}"
. "$SRC/tests/system/lab.sh"
n=${IMPORT_DEVICES:-1000000} rate=${IMPORT_RATE:-200} secs=${IMPORT_SECONDS:-10} order=${IMPORT_ORDER:-sorted} journal=${IMPORT_JOURNAL:-0}
dir=$(mktemp -d "${TMPDIR:-/tmp}/iwf-bench.XXXXXX") || exit 1
trap 'lab_stop; [ -n "${BENCH_KEEP:-}" ] || rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
die() { echo "import: $*" >&2; exit 1; }
say() { echo "import: $*" >&2; }

say "a file of $n devices, $order"
devices() {
	awk -v from="$1" -v n="$2" 'BEGIN {
		for (i = from; i < from + n; i++) printf "00102%010d,4917%09d,dev%09d@load.example.com\n", i, i, i
	}'
}
{
	echo imsi,msisdn,external_ids
	if [ "$order" = shuffled ]; then devices 1000000 "$n" | shuf --random-source=<(yes); else devices 1000000 "$n"; fi
} >"$dir/devices.csv"

lab_make "$dir" || exit 1
lab_sql <<END || exit 1
UPDATE scs SET rate_per_s = 1000000, burst = 1000000, quota = NULL WHERE name = 'acme';
INSERT INTO "authorization" (scs_id, domain, may_trigger) SELECT id, 'load.example.com', 1 FROM scs WHERE name = 'acme';
END
{ echo imsi,msisdn,external_ids; devices 1 1000; } | iwfctl device import - >/dev/null || exit 1
sed -i 's/^default = .*/default = { outcome = "no-report"; };/' "$LAB/sim-smssc.conf"
sed -i 's/level = "info"/level = "notice"/' "$LAB/mtc-iwf.conf"
lab_node_up() { lab_alive node && (exec 3<>/dev/tcp/127.0.0.1/$lab_node_secport) 2>/dev/null; }
lab_start || exit 1

load() {
	local name=$1
	shift
	"$BUILD/tsp-load" --connect "127.0.0.1:$lab_scs_port" --ca "$LAB/pki/ca.crt" --expect-host "$lab_iwf" --json --dest-realm "$lab_realm" \
		--origin-host scs.acme.example --origin-realm acme.example --cert "$LAB/pki/scs.acme.example.crt" \
		--key "$LAB/pki/scs.acme.example.key" --ext-id dev%09d@load.example.com --devices 1-1000 "$@" >"$LAB/$name.json" 2>"$LAB/$name.err"
}
warm() { load warm --count 1 && jq -e 'select(.type == "summary") | .result_2001_status_0 == 1' "$LAB/warm.json"; }
lab_wait 20 warm || die "no trigger comes through: $(cat "$LAB/warm.json" "$LAB/warm.err")"
# between FROM TO: p50, p99 and the longest of the latencies in ms, and how many were not accepted
between() {
	awk -v a="$1" -v b="$2" '$1 >= a && $1 < b { print $2 }' "$LAB/samples" | sort -n |
		awk '{ v[NR] = $1 / 1000 } END { if (NR) printf "%9d %9.2f %9.2f %9.2f\n", NR, v[int((NR + 1) / 2)], v[int((NR * 99 + 99) / 100)], v[NR]; else print "-" }'
}

say "$rate triggers a second: $secs s alone, $secs s beside a process that only computes, then the import"
load steady --rate "$rate" --duration 36000 --samples "$LAB/samples" &
helper=$!
sleep 2
alone=$(date +%s%3N)
sleep "$secs"
busy=$(date +%s%3N)
timeout "$secs" awk 'BEGIN { for (;;) i++ }'
began=$(date +%s%3N)
TIMEFORMAT='%U %S'
{ time iwfctl --json device import "$dir/devices.csv" >"$LAB/import.json" 2>"$LAB/import.err"; } 2>"$LAB/import.cpu" || die "the import ended with $?: $(cat "$LAB/import.json")"
ended=$(date +%s%3N)
wal=$(stat -c %s "$LAB_DB-wal")
sleep 1
kill "$(cat "/proc/$helper/task/$helper/children")"
wait $helper
lab_alive node || die "the node has died: $(tail -5 "$LAB/node.log")"
jq -e --argjson n "$n" '.added == $n' "$LAB/import.json" >/dev/null || die "not all went in: $(cat "$LAB/import.json")"
rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$(cat "$LAB/node.pid")/status")
table=$(
	printf '%-40s %9s %9s %9s %9s\n' "triggers, $rate a second" number 'p50 ms' 'p99 ms' 'max ms'
	printf '%-40s %s\n' "alone" "$(between "$alone" "$busy")" "beside a process that only computes" "$(between "$busy" "$began")" \
		"during the import" "$(between "$began" "$ended")"
)
unaccepted=$(jq 'select(.type == "summary") | .sent - .result_2001_status_0' "$LAB/steady.json")

say "a start with $journal rows in the journal"
lab_node_stop
lab_sql <<END || die "no journal"
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $journal)
INSERT INTO device_trigger (scs_id, reference, action, subscription_id, imsi, ext_id, smea, dest_host, dest_realm, state, request_status,
  outcome, end_to_end, content_hash, received_ms, answered_ms, ended_ms, validity_end_ms, smssc)
SELECT (SELECT id FROM scs WHERE name = 'acme'), i + 1000000, 1, s.id, s.imsi, x.ext_id, '491510001001', 'scs.acme.example', 'acme.example',
  CASE WHEN i % 1000 = 0 THEN 1 WHEN i % 10 = 0 THEN 2 ELSE 5 END, 0, CASE WHEN i % 10 THEN 0 END, i, zeroblob(32),
  unixepoch() * 1000, unixepoch() * 1000, CASE WHEN i % 10 THEN unixepoch() * 1000 END, unixepoch() * 1000 + i * 10, 'smssc.operator.example'
FROM n JOIN subscription s ON s.imsi = printf('00102%010d', 1000000 + i * 7919 % $n) JOIN external_id x ON x.subscription_id = s.id WHERE $journal > 0;
END
began_start=$(date +%s%3N)
lab_node_start || die "the node does not start"
until warm; do sleep 0.02; done >/dev/null 2>&1
served=$(($(date +%s%3N) - began_start))

echo
printf '%s rows in %s s: %s rows/s, %s; %s us of processor time each; the log had %s octets\n' "$n" "$(awk -v a=$((ended - began)) 'BEGIN { printf "%.1f", a / 1000 }')" \
	"$(awk -v n="$n" -v a=$((ended - began)) 'BEGIN { printf "%.0f", n * 1000 / a }')" "$order" \
	"$(awk -v n="$n" '{ printf "%.1f", ($1 + $2) * 1000000 / n }' "$LAB/import.cpu")" "$wal"
echo "$table"
printf 'not accepted: %s; the node had at most %s KB resident\n' "$unaccepted" "$rss"
printf 'start with %s devices and %s rows in the journal: the first trigger is accepted after %s ms; %s KB resident\n' "$(lab_sql 'SELECT count(*) FROM subscription')" \
	"$(lab_sql 'SELECT count(*) FROM device_trigger')" "$served" "$(awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$LAB/node.pid")/status")"
