#!/bin/bash
# An SCS that is away while its reports come: it gets them when it is back, in
# their order, no more at a time than the window, until their time is over.
. "$SRC/tests/system/case.sh"
case_begin
LAB_NOTIFY='timeout_ms = 20000; window = 4;'
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example
many=${AWAY_REPORTS:-1500}
lab_devices d0 soon
lab_sql "UPDATE scs SET rate_per_s = 100000, burst = 100000, quota = NULL"
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	drr_timeout_ms = 2000; drr_retries = 100; default = { after_ms = 6000; };
	devices = ( { ext_id = "soon@iot.example.com"; after_ms = 0; } );
END
say() { scs $acme --json "$@"; }
reports() { jq -r 'select(.type == "report") | .reference'; }
waiting() { lab_sql 'SELECT count(*) FROM outbox'; }
waits() { [ "$(waiting)" = "$1" ]; }
under_way() { lab_sql 'SELECT count(*) FROM device_trigger WHERE state < 5'; }
ended() { [ "$(under_way)" = 0 ]; }
# How many of the first list come before one that the second list has earlier: what is tried at the very moment
# of the return may be any.
early() {
	awk 'NR == FNR { turn[$1] = NR; next } { at[++n] = turn[$1] }
		END { for (i = n; i; i--) { if (last && at[i] > last) early++; else last = at[i] } print early + 0 }' <(echo "$2") <(echo "$1")
}
# leaves_behind FIRST COUNT: so many triggers, and gone before their reports come; it answers none that is early
leaves_behind() {
	say --no-dna trigger --ext-id d0@iot.example.com --payload x --reference "$1" --count "$2" --outstanding 50 >"$LAB/sent.out"
	is "$2 triggers are accepted" "$(jq -r 'select(.type == "answer" and .status == "SUCCESS") | .reference' "$LAB/sent.out" | wc -l)" "$2"
	lab_wait 30 ended
}

lab_start || exit 1
echo "# more than fit into memory"
leaves_behind 1000 "$many"
is "their reports wait" "$(waiting)" "$many"
order=$(lab_sql 'SELECT reference FROM outbox ORDER BY id')
out=$(say --no-dna script <<<"sleep 2" | reports)
# Fewer, if some were tried at that moment: until these are settled, nothing younger goes out.
like "it is back, and does not answer: no more than the window takes" "$(wc -w <<<"$out")" "[1-4]"
lab_wait 5 waits "$many"
out=$(say wait 60 --count "$many" | reports)
is "it answers: all come" "$(sort -u <<<"$out" | wc -l)" "$many"
echo "# $(early "$out" "$order") of them early"
works "in their order" test "$(early "$out" "$order")" -le 16
lab_wait 10 waits 0
is "and are done with" "$(waiting)" 0

echo "# new ones while old ones wait"
leaves_behind 5000 600
order=$(lab_sql 'SELECT reference FROM outbox ORDER BY id')
out=$(say script <<<"trigger --ext-id soon@iot.example.com --payload x --reference 6000
wait-report 6000 60" | reports)
is "all come" "$(sort -u <<<"$out" | wc -l)" 601
is "the new one last" "$(tail -1 <<<"$out")" 6000
echo "# $(early "$out" "$order") of them early"
works "in their order" test "$(early "$out" "$order")" -le 16

echo "# their time is over"
LAB_NOTIFY='timeout_ms = 1000; lifetime_s = 4;' lab_node_conf
lab_wait 20 waits 0
lab_node_stop
is "the node ends cleanly" $? 0
lab_node_start || exit 1
leaves_behind 9000 5
lab_wait 30 waits 0
is "none waits" "$(waiting)" 0
is "the audit has each one" "$(lab_sql "SELECT count(*) FROM audit WHERE event = 'report' AND decision = 'failed' AND reason = 'report-expired' AND reference BETWEEN 9000 AND 9004")" 5
is "the SCS is back, and hears nothing" "$(say script <<<"sleep 2" | reports)" ""
lab_node_stop
is "the node ends cleanly" $? 0
case_end
