#!/bin/bash
# Devices by the thousand into a node that serves: nobody is kept waiting, what is said to be in is in, and an import
# that was ended, or killed, is gone on with.
. "$SRC/tests/system/case.sh"
case_begin
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
sed -i 's/^default = .*/default = { outcome = "no-report"; };/' "$LAB/sim-smssc.conf"
lab_sql <<-END
	UPDATE scs SET rate_per_s = 100000, burst = 100000, quota = NULL;
	INSERT INTO "authorization" (scs_id, domain, may_trigger) SELECT id, 'many.example.com', 1 FROM scs WHERE name IN ('acme', 'nordtrack');
	INSERT INTO device_group (name) VALUES ('many');
END
lab_start || exit 1

# devices FROM N: as many lines
devices() {
	awk -v from="$1" -v n="$2" 'BEGIN {
		for (i = from; i < from + n; i++)
			printf "00102%010d,4917%09d,dev%09d@many.example.com,nordtrack,%d,many\n", i, i, i, i % 10 != 0
	}'
}
header=imsi,msisdn,external_ids,user,enabled,groups
count() { lab_sql "SELECT count(*) FROM subscription WHERE imsi BETWEEN '001020000$1' AND '001020000$2'"; }
import() { iwfctl device import "$@" >"$LAB/out" 2>"$LAB/err"; status=$?; out=$(cat "$LAB/out"); }

{ echo $header; devices 1 100; } | iwfctl device import - >"$LAB/out" || exit 1
warm() { scs $acme trigger --ext-id dev000000001@many.example.com; }
works "a device that has just come in is served" lab_wait 10 warm

# ---- 50,000, some of them wrong, while an SCS is served
{
	echo $header
	devices 100001 50000
	echo "0010200,,dev@many.example.com,,,"
	devices 1 1
	echo "001020000999999,,dev000100001@many.example.com,,,"
} | gzip >"$case_dir/devices.gz"
"$BUILD/tsp-load" --connect "127.0.0.1:$lab_scs_port" --ca "$LAB/pki/ca.crt" --expect-host "$lab_iwf" --json --dest-realm "$lab_realm" \
	--origin-host $nord --origin-realm nordtrack.example --cert "$LAB/pki/$nord.crt" --key "$LAB/pki/$nord.key" \
	--ext-id dev%09d@many.example.com --devices 1-9 --rate 50 --duration 600 --interval 1 >"$LAB/load.json" 2>&1 &
load=$!
works "the SCS is served" lab_wait 10 grep -q '"interval"' "$LAB/load.json"
import - <"$case_dir/devices.gz"
is "done, but for some rows" "$status" 4
is "what it says" "$out" "50000 added, 0 updated, 0 skipped, 3 refused; the next line is 50005"
is "which were wrong" "$(sort -t' ' -k3n "$LAB/err")" "iwfctl: line 50002: imsi: fewer than 14 digits
iwfctl: line 50003: a device with that IMSI is there already
iwfctl: line 50004: another device has one of those External Identifiers"
is "they are in" "$(count 100001 150000)" 50000
is "with their names and groups" "$(lab_sql "SELECT count(*) FROM external_id NATURAL JOIN device_group_member
	WHERE ext_id BETWEEN 'dev000100001' AND 'dev000150001'")" 50000
works "one of them is triggered" scs $acme trigger --ext-id dev000123456@many.example.com
is "a disabled one is not" "$(scs $acme --json trigger --ext-id dev000123450@many.example.com | jq -r 'select(.type == "answer").status')" INVEXTID
import "$case_dir/devices.gz" --on-conflict skip --json
is "once more: they are there" "$(jq -c '[.added, .skipped, .refused, .ended]' <<<"$out")" "[0,50001,2,true]"
{ echo imsi,enabled; devices 100001 50000 | cut -d, -f1,5 | sed 's/0$/1/'; } >"$case_dir/update.csv"
import "$case_dir/update.csv" --on-conflict update
is "all are enabled" "$status $out" "0 0 added, 50000 updated, 0 skipped, 0 refused; the next line is 50002"
works "also that one is triggered now" lab_wait 5 scs $acme trigger --ext-id dev000123450@many.example.com
kill -TERM $load
wait $load
is "every request meanwhile had an answer" "$?" 0
is "and all were accepted" "$(jq -r 'select(.type == "summary") | .answered - .result_2001_status_0' "$LAB/load.json")" 0

# ---- ended, and gone on with
{ echo $header; devices 200001 20000; } >"$case_dir/more.csv"
# half FILE: half of it into the fifo, which stays open
half() {
	rm -f "$case_dir/fifo"
	mkfifo "$case_dir/fifo"
	"$(lab_tool iwfctl)" -c "$LAB/mtc-iwf.conf" device import "$case_dir/fifo" >"$LAB/out" 2>"$LAB/err" &
	pid=$!
	exec 9>"$case_dir/fifo"
	head -n 10001 "$1" >&9
}
some() { [ "$(count "$1" "$2")" -gt 1000 ]; }
half "$case_dir/more.csv"
works "some are in" lab_wait 20 some 200001 220000
kill -INT $pid
wait $pid
is "ended by a signal" "$?" 5
exec 9>&-
line=$(sed -n 's/.*go on with --from-line //p' "$LAB/out")
is "all before the line that it names is in" "$(count 200001 220000)" "$((line - 2))"
import "$case_dir/more.csv" --from-line "$line"
is "the rest goes in" "$status $out" "0 $((20002 - line)) added, 0 updated, 0 skipped, 0 refused; the next line is 20002"

# ---- killed
sed 's/^001020000\(2[0-9]*\),49172/001020000\1,49173/; s/^00102000020/00102000030/; s/^00102000021/00102000031/; s/^00102000022/00102000032/
	s/dev0002/dev0003/; s/,4917/,4918/' "$case_dir/more.csv" >"$case_dir/killed.csv"
half "$case_dir/killed.csv"
works "some are in before it is killed" lab_wait 20 some 300001 320000
kill -KILL $pid
wait $pid 2>/dev/null
exec 9>&-
in=$(count 300001 320000)
is "they are the first of the file" "$(lab_sql "SELECT max(imsi) - min(imsi) + 1 FROM subscription WHERE imsi >= '001020000300001'")" "$in"
is "each has its name" "$(lab_sql "SELECT count(*) FROM external_id WHERE ext_id BETWEEN 'dev0003' AND 'dev0004'")" "$in"
import "$case_dir/killed.csv" --on-conflict skip
is "done again, it is whole" "$status $out" "0 $((20000 - in)) added, 0 updated, $in skipped, 0 refused; the next line is 20002"
is "the audit tells of all that was begun" "$(lab_sql "SELECT count(*) FROM audit WHERE event = 'admin' AND detail LIKE '%device import%: begun'")" 8
is "the database is sound, by its own rules too" "$(lab_sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
works "the chain of the audit holds" iwfctl audit verify

# ---- out and in again
works "all go out" iwfctl device export "$case_dir/all.csv"
is "for nobody else" "$(stat -c %a "$case_dir/all.csv")" 600
works "a store elsewhere" iwfctl --db "$case_dir/else.db" db init
for t in scs mtc_user device_group; do lab_sql ".dump $t" | grep ^INSERT; done | sqlite3 "$case_dir/else.db"
works "takes them" iwfctl --db "$case_dir/else.db" device import "$case_dir/all.csv"
iwfctl --db "$case_dir/else.db" device export >"$case_dir/again.csv"
works "and has the same" cmp "$case_dir/all.csv" "$case_dir/again.csv"

# ---- how far it is: on a terminal only
{ echo $header; devices 400001 5000; } >"$case_dir/part1"
devices 405001 5000 >"$case_dir/part2"
like "a terminal sees how far it is" "$(script -qec "(cat '$case_dir/part1'; sleep 1; cat '$case_dir/part2') |
	'$(lab_tool iwfctl)' -c '$LAB/mtc-iwf.conf' device import -" /dev/null)" *$'\r'*" rows "*/s*"10000 added"*
is "a pipe does not" "$(grep -lr $'\r' "$LAB/err" "$LAB/out")" ""
works "the node still serves" scs $acme trigger --ext-id dev000405001@many.example.com
case_end
