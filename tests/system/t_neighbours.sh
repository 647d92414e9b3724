#!/bin/bash
# The SMS-SC and the SCS as neighbours that fail: down, slow, silent, talking
# nonsense, refusing, dying in the middle, coming back; and the node itself ended
# in the middle.  Nothing may be lost, nothing may hang.
. "$SRC/tests/system/case.sh"
case_begin
LAB_T4='timeout_ms = 1500;' LAB_NOTIFY='timeout_ms = 1000;'
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example
errors='user-unknown invalid-sme congestion replace-failure recall-failure not-pending too-busy unable-to-comply'
nonsense='no-result short-result no-origin garbage-group bad-length'
lab_devices now soon later late silent twice nameless $errors $nonsense

# Ports of their own, so that they are found again after they were away.
sim() {
	local name=$1
	lab_port
	echo "$lab_free_port" >"$LAB/$name.port"
	cat >"$LAB/sim-$name.conf" <<-END
	identity = "$name.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $lab_free_port;
	drr_timeout_ms = 1000; default = { after_ms = 100; };
	devices = (
	  { ext_id = "soon@iot.example.com";   after_ms = 2500; },
	  { ext_id = "later@iot.example.com";  after_ms = 3600000; },
	  { ext_id = "late@iot.example.com";   delay_ms = 2500; after_ms = 3000; },
	  { ext_id = "twice@iot.example.com";  drr_twice = true; },
	  { ext_id = "nameless@iot.example.com"; drr_reference = false; after_ms = 2500; },
	  $2
	  $(for e in $errors; do echo "{ ext_id = \"$e@iot.example.com\"; answer = \"$e\"; recall_answer = \"$e\"; replace_answer = \"$e\"; diagnostic = 1; },"; done)
	  $(for e in $nonsense; do echo "{ ext_id = \"$e@iot.example.com\"; answer = \"nonsense\"; nonsense = \"$e\"; stored = false; },"; done)
	  { ext_id = "nobody@iot.example.com"; }
	);
	END
}
sim smssc '{ ext_id = "silent@iot.example.com"; answer = "silent"; after_ms = 2500; },'
sim smssc2 ''
mv "$LAB/smssc2.port" "$LAB/smssc2.port.later"

n=100
say() { scs $acme --json "$@"; }
field() { jq -r "select(.type == \"$1\") | .$2"; }
# reported NUMBER: its outcome.  The same report may come again, with the T flag, when
# the connection broke before its answer was there.
reported() { say wait --reference "$1" | field report outcome | sort -u; }
# act ACTION DEVICE [OPTIONS]: the status, with the number of the request in $n.  Its report is confirmed by nobody:
# should it come before the SCS has gone, it comes again.
status=
act() {
	local action=$1 device=$2
	shift 2
	n=$((n + 1))
	status=$(say "$action" --no-dna --ext-id "$device@iot.example.com" --reference $n "$@" | field answer status)
}
journal() { lab_sql "SELECT state FROM device_trigger WHERE reference = $1 ORDER BY id DESC LIMIT 1"; }
state_is() { [ "$(journal "$1")" = "$2" ]; }
outbox_is() { [ "$(lab_sql 'SELECT count(*) FROM outbox')" = "$1" ]; }
dtrs() { jq -c "select(.type == \"dtr\" and .reference == $2) | [.action, .t_flag, .repeat]" "$LAB/$1.log" | tr '\n' ' '; }
dra() { jq -r "select(.type == \"dra\" and .reference == $1) | .result_code" "$LAB/smssc.log" | tr '\n' ' '; }
confirmed() { [ "$(dra "$1" | wc -w)" = "$2" ]; }
connected() { [ "$(grep -c "acl.*$1.$lab_realm is connected" "$LAB/node.log")" -gt "$2" ]; }
connections() { grep -c "acl.*$1.$lab_realm is connected" "$LAB/node.log"; }
# Starts that SMS-SC and waits until the node has found it.
smssc_back() {
	local before
	before=$(connections "$1")
	lab_smssc_start "$1" && lab_wait 15 connected "$1" "$before"
}
PENDING=2 DELIVERED=5 REFUSED=11 UNCERTAIN=12

echo "# an SMS-SC that is not there"
lab_hss_start && lab_node_start || exit 1
act trigger now
is "SMS-SC down at the start: try again later" "$status" TEMPORARYERROR
is "the journal says refused" "$(journal $n)" $REFUSED
smssc_back smssc
is "the SMS-SC comes" $? 0
act trigger now
is "and is used" "$status" SUCCESS

echo "# what it answers"
expect() {
	local action=$1 device=$2 want=$3
	shift 3
	act "$action" "$device" "$@"
	is "$action: $device" "$status" "$want"
}
for e in user-unknown invalid-sme congestion replace-failure recall-failure not-pending unable-to-comply; do
	expect trigger $e PERMANENTERROR
done
expect trigger too-busy TEMPORARYERROR
# Of a trigger that is pending: delivered under another name, so that the answers of its own device are given to the action.
original() {
	act trigger later --validity 3000
	original=$n
	lab_sql "UPDATE device_trigger SET ext_id = '$1@iot.example.com', imsi = (SELECT imsi FROM subscription d JOIN external_id x ON x.subscription_id = d.id
	  WHERE x.ext_id = '$1@iot.example.com'), subscription_id = (SELECT subscription_id FROM external_id WHERE ext_id = '$1@iot.example.com') WHERE reference = $n"
}
for row in recall-failure:RECALLFAIL not-pending:ORIGINALMESSAGESENT user-unknown:PERMANENTERROR too-busy:TEMPORARYERROR; do
	original ${row%:*}
	status=$(say recall --ext-id ${row%:*}@iot.example.com --reference $original | field answer status)
	is "recall: ${row%:*}" "$status" ${row#*:}
	is "and the trigger goes on" "$(lab_sql "SELECT state FROM device_trigger WHERE reference = $original AND action = 1")" $PENDING
done
for row in replace-failure:REPLACEFAIL:1 not-pending:ORIGINALMESSAGESENT:1 congestion:PERMANENTERROR:1; do
	IFS=: read -r device want diagnostic <<<"$row"
	original $device
	n=$((n + 1))
	out=$(say replace --ext-id $device@iot.example.com --reference $n --old-reference $original --payload x)
	is "replace: $device" "$(field answer status <<<"$out")" $want
	is "with the diagnostic" "$(field answer mtc_error_diagnostic <<<"$out")" $diagnostic
	is "and the trigger goes on" "$(journal $original)" $PENDING
done
for e in $nonsense; do
	before=$(connections smssc)
	expect trigger $e TEMPORARYERROR
	is "it may have it" "$(journal $n)" $UNCERTAIN
done
# The last one is not even framed like a message: freeDiameter closes the connection.
lab_wait 15 connected smssc $before

echo "# late, silent, dying"
act trigger silent
is "silent: try again later" "$status" TEMPORARYERROR
is "it may have it" "$(journal $n)" $UNCERTAIN
lab_wait 3 state_is $n $DELIVERED
is "and its report counts" "$(journal $n)" $DELIVERED
say wait --reference $n --wait-report=10 >/dev/null
is "and reaches the SCS" $? 0
act trigger late
is "late: try again later" "$status" TEMPORARYERROR
is "the report of a late one reaches the SCS" "$(reported $n)" SUCCESS

say trigger --ext-id silent@iot.example.com --reference 1000 >"$LAB/dying.out" &
dying=$!
lab_wait 3 grep -q '"reference":1000' "$LAB/smssc.log"
lab_kill smssc KILL 2>/dev/null
wait $dying
is "it dies before it answers: try again later" "$(field answer status <"$LAB/dying.out")" TEMPORARYERROR
act trigger now
is "while it is away: try again later" "$status" TEMPORARYERROR
smssc_back smssc
act trigger now
is "it is back" "$status" SUCCESS

echo "# a second one"
mv "$LAB/smssc2.port.later" "$LAB/smssc2.port"
LAB_SMSSC_MORE=", { host = \"smssc2.$lab_realm\"; realm = \"$lab_realm\"; priority = 2; }" LAB_T4='timeout_ms = 1500; congestion = "temporary";' lab_node_conf
lab_smssc_start smssc2
lab_node_stop && lab_node_start || exit 1
act trigger now
is "the first is asked first" "$status $(dtrs smssc $n)/ $(dtrs smssc2 $n)" 'SUCCESS ["trigger",false,false] / '
act trigger silent
is "it is silent: the second is asked, with the T flag" "$status $(dtrs smssc $n)/ $(dtrs smssc2 $n)" \
	'SUCCESS ["trigger",false,false] / ["trigger",true,false] '
act trigger too-busy
is "it is busy: the second is asked, which is busy too" "$status $(dtrs smssc $n)/ $(dtrs smssc2 $n)" \
	'TEMPORARYERROR ["trigger",false,false] / ["trigger",false,false] '
act trigger congestion
is "its congestion is temporary if we say so" "$status $(dtrs smssc2 $n)" 'TEMPORARYERROR '
lab_kill smssc KILL 2>/dev/null
act trigger soon
is "it is gone: the second is used" "$status $(dtrs smssc2 $n)" 'SUCCESS ["trigger",false,false] '
is "the report of the second reaches the SCS" "$(reported $n)" SUCCESS
act trigger later
smssc_back smssc
status=$(say recall --ext-id later@iot.example.com --reference $n | field answer status)
is "a recall goes to the one that has it" "$status $(dtrs smssc $n)/ $(dtrs smssc2 $n)" 'SUCCESS / ["trigger",false,false] ["recall",false,false] '
act trigger now
is "the first is back and asked first" "$status $(dtrs smssc $n)/ $(dtrs smssc2 $n)" 'SUCCESS ["trigger",false,false] / '
lab_kill smssc2

echo "# an SCS that is away"
# what earlier cases left is taken first
settled() { [ "$(lab_sql "SELECT count(*) FROM device_trigger WHERE reference = $n AND state < 5")" = 0 ]; }
lab_wait 10 settled
for i in $(seq 20); do
	outbox_is 0 && break
	say script <<<"sleep 1" >/dev/null
done
is "nothing waits" "$(lab_sql 'SELECT count(*) FROM outbox')" 0
for i in 1 2 3 4 5; do echo "trigger --ext-id soon@iot.example.com --reference $((n += 1))"; done >"$LAB/five"
say script --no-dna <"$LAB/five" >/dev/null
lab_wait 5 outbox_is 5
is "five reports wait" "$(lab_sql 'SELECT count(*) FROM outbox')" 5
order=$(lab_sql 'SELECT reference FROM outbox ORDER BY id' | tr '\n' ' ')
out=$(say wait --count 5)
is "and come when it is back, in order" "$(field report reference <<<"$out" | tr '\n' ' ')" "$order"
lab_wait 5 outbox_is 0
is "and are done with" "$(lab_sql 'SELECT count(*) FROM outbox')" 0

for code in 3004 4001; do
	act trigger now
	out=$(say wait --count 3 --dna-result $code)
	is "answered $code it comes again" "$(field report reference <<<"$out" | sort -u | tr '\n' ' ')" "$n "
	is "marked as sent before, but for the first time" "$(field report t_flag <<<"$out" | tail -2 | tr '\n' ' ')" "true true "
	is "with one End-to-End identifier" "$(field report e2e <<<"$out" | sort -u | wc -l)" 1
	is "and still waits" "$(lab_sql 'SELECT count(*) FROM outbox')" 1
	say wait --reference $n --wait-report=10 >/dev/null
	lab_wait 5 outbox_is 0
done
act trigger now
say wait --reference $n --dna-result 5012 >/dev/null
lab_wait 5 outbox_is 0
is "answered 5012 it is given up" "$(lab_sql 'SELECT count(*) FROM outbox')" 0
is "and the audit says so" "$(lab_sql "SELECT reason FROM audit WHERE reference = $n AND event = 'report' AND decision = 'refused'")" report-refused
act trigger now
out=$(say wait --count 2 --no-dna)
is "not answered it comes again" "$(field report reference <<<"$out" | sort -u) $(field report e2e <<<"$out" | sort -u | wc -l) $(field report t_flag <<<"$out" | tail -1)" "$n 1 true"
say wait --reference $n --wait-report=10 >/dev/null
lab_wait 5 outbox_is 0

echo "# reports that make no sense"
out=$(say trigger --ext-id twice@iot.example.com --reference 2000 --wait-report=10)
lab_wait 5 confirmed 2000 2
is "a report that comes twice is confirmed twice" "$(dra 2000)" "2001 2001 "
is "and told once" "$(field report reference <<<"$out" | wc -l) $(lab_sql 'SELECT count(*) FROM outbox')" "1 0"
act trigger soon
lab_sql "DELETE FROM device_trigger WHERE reference = $n"
lab_wait 6 confirmed $n 1
is "a report for a number that nobody knows" "$(dra $n)" "5012 "

echo "# reports without Reference-Number"
for i in 1 2; do
	act trigger nameless
	is "$i: the only one of that device: the report is its" "$status $(reported $n)" "SUCCESS SUCCESS"
done
is "which is read for once" "$(grep -c 'a delivery report without Reference-Number came' "$LAB/node.log")" 1
act trigger nameless
first=$n
act trigger nameless
is "two of that device are under way" "$(journal $first) $(journal $n)" "$PENDING $PENDING"
lab_wait 10 confirmed $n 1
is "whose the report is nobody knows" "$(dra $first) $(dra $n)" "5012  5012 "
is "and they stay under way" "$(journal $first) $(journal $n)" "$PENDING $PENDING"

echo "# the node ends in the middle"
# Each time: one report queued, one trigger pending, one that the SMS-SC has not answered.
for sig in TERM KILL; do
	act trigger soon; queued=$n
	lab_wait 5 state_is $queued $DELIVERED
	act trigger soon; pending=$n
	n=$((n + 1)); submitting=$n
	say trigger --ext-id silent@iot.example.com --reference $submitting --no-dna >"$LAB/middle.out" 2>&1 &
	middle=$!
	lab_wait 3 grep -q "\"reference\":$submitting," "$LAB/smssc.log"
	lab_node_stop $sig
	is "SIG$sig: it ends" "$?" "$([ $sig = TERM ] && echo 0 || echo 137)"
	wait $middle
	lab_node_start || exit 1
	out=$(say wait --count 3 --wait-report=15)
	is "SIG$sig: all three reports come" "$(field report reference <<<"$out" | sort -n | tr '\n' ' ')" "$queued $pending $submitting "
	is "SIG$sig: all three are delivered" "$(journal $queued) $(journal $pending) $(journal $submitting)" "$DELIVERED $DELIVERED $DELIVERED"
	is "SIG$sig: what was under way was sent again with the T flag or reported" \
		"$(jq -c "select(.type == \"dtr\" and .reference == $submitting and .t_flag == false)" "$LAB/smssc.log" | wc -l)" 1
	lab_wait 5 outbox_is 0
	is "SIG$sig: nothing is left" "$(lab_sql "SELECT count(*) FROM device_trigger WHERE state = 1") $(lab_sql 'SELECT count(*) FROM outbox')" "0 0"
done

echo "# confirmed only when the SCS has it"
LAB_T4='timeout_ms = 1500; confirm_report = "after-dna";' lab_node_conf
lab_node_stop && lab_node_start || exit 1
out=$(say trigger --ext-id now@iot.example.com --reference 3000 --wait-report=10)
lab_wait 3 confirmed 3000 1
is "the SCS takes it: confirmed" "$(field report outcome <<<"$out") $(dra 3000)" "SUCCESS 2001 "
out=$(say trigger --ext-id now@iot.example.com --reference 3001 --wait-report=10 --no-dna)
lab_wait 5 confirmed 3001 1
is "the SCS does not: not confirmed" "$(dra 3001)" "3002 "
is "but kept" "$(lab_sql 'SELECT reference FROM outbox')" 3001
is "and told when it is back" "$(reported 3001)" SUCCESS
lab_node_stop
is "the node ends cleanly" $? 0
case_end
