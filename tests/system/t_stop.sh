#!/bin/bash
# SIGTERM: the node takes no more, ends what is under way, and only then says
# goodbye to its peers.
. "$SRC/tests/system/case.sh"
case_begin
LAB_T4='timeout_ms = 60000;'
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example
lab_devices late never
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	devices = ( { ext_id = "late@iot.example.com"; delay_ms = 1500; after_ms = 600000; },
	            { ext_id = "never@iot.example.com"; answer = "silent"; after_ms = 600000; } );
END
lab_start || exit 1
mkfifo "$LAB/scs.in"
scs $acme --json --trace script <"$LAB/scs.in" >"$LAB/scs.log" 2>"$LAB/trace.log" &
scs=$!
exec {in}>"$LAB/scs.in"
ask() { echo "trigger --ext-id $1@iot.example.com --reference $2" >&"$in"; }
asked() { [ "$(grep -c '"type":"dtr"' "$LAB/smssc.log")" = "$1" ]; }
answer() { jq -rR "fromjson? | select(.type == \"answer\" and .reference == $1) | \"\(.result_code) \(.status)\"" "$LAB/scs.log"; }
ask late 1
ask never 2
lab_wait 10 asked 2
kill -TERM "$(cat "$LAB/node.pid")"
lab_wait 10 grep -q 'no more is taken' "$LAB/node.log"
ask late 3
lab_wait 10 grep -q '"connection lost' "$LAB/scs.log"
exec {in}>&-
wait $scs
lab_node_stop
is "it ends by itself" $? 0
is "what the SMS-SC answers in time is answered" "$(answer 1)" "2001 SUCCESS"
is "what it does not is to be tried again" "$(answer 2)" "2001 TEMPORARYERROR"
is "what comes meanwhile is refused" "$(answer 3)" "3004 null"
like "then the SCS hears why" "$(grep 'connection lost' "$LAB/scs.log")" '*DPR from the peer (REBOOTING)*'
is "behind all answers" "$(grep -o '<-- D[AP][AR]' "$LAB/trace.log" | tail -1)" "<-- DPR"
like "and so does the SMS-SC" "$(tail -2 "$LAB/smssc.log")" '*DPR from the peer (REBOOTING)*'
is "the journal has one as pending, and one that is sent again at the next start" \
	"$(lab_sql 'SELECT reference, state FROM device_trigger ORDER BY reference' | tr '\n' ' ')" "1|2 2|1 "

# freeDiameter aborts at its end where its threads do not get a processor soon enough.
if [ -z "${SANITIZE:-}" ]; then
	HURRY=$LAB/hurry LD_PRELOAD="$BUILD/.libs/hurry.so" lab_node_start
	touch "$LAB/hurry"
	lab_node_stop
	is "it ends cleanly also where freeDiameter does not, right after its start" $? 0
	works "which it says" grep -q 'freeDiameter did not wait for its own threads' "$LAB/node.log"
fi
case_end
