#!/bin/bash
# The HSS as the source of identities: each of its answers, the cache, questions
# asked once, and an HSS that fails.
. "$SRC/tests/system/case.sh"
case_begin
LAB_IDENTITY=hss LAB_S6M='timeout_ms = 1500; cache_age_s = 3;'
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
# Devices of the domain far.example.com, where acme has a grant; some of them are in our tables, too.
plain='near other known success user-unknown unauthorized-requester unauthorized-service absent teleservice barred too-busy unable-to-comply'
nonsense='no-result short-result no-origin garbage-group bad-length'
lab_port
echo "$lab_free_port" >"$LAB/hss.port"
subscribers() {
	local i=500 r
	for r in $plain; do
		case $r in near|other|known) set -- success;; *) set -- $r;; esac
		echo "{ imsi = \"001010000000$((i += 1))\"; msisdn = \"491590000$i\"; ext_id = \"$r@far.example.com\"; result = \"$1\";
		        serving_node = { msc_number = \"491710000001\"; }; },"
	done
	for r in $nonsense; do
		echo "{ imsi = \"001010000000$((i += 1))\"; ext_id = \"$r@far.example.com\"; result = \"nonsense\"; nonsense = \"$r\"; },"
	done
	echo "{ imsi = \"001010000000601\"; ext_id = \"silent@far.example.com\"; result = \"silent\"; },
	      { imsi = \"001010000000602\"; ext_id = \"late@far.example.com\"; result = \"late\"; delay_ms = 2500; },
	      { imsi = \"001010000000603\"; ext_id = \"slow@far.example.com\"; delay_ms = 700; },
	      { imsi = \"001010000000604\"; ext_id = \"nameless@far.example.com\"; without_imsi = true; },
	      { imsi = \"001010000000605\"; ext_id = \"picky@far.example.com\"; allowed_scs = ( \"491520002001\" ); }"
}
cat >"$LAB/sim-hss.conf" <<-END
	identity = "hss.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $lab_free_port;
	subscribers = ( $(subscribers) );
END
# known: the same device there and here; other: here another device has the name.
lab_sql <<-END
	INSERT INTO subscription (imsi, msisdn) VALUES ('001010000000503', NULL), ('001010000000777', NULL);
	INSERT INTO external_id SELECT 'known@far.example.com', id, NULL FROM subscription WHERE imsi = '001010000000503';
	INSERT INTO external_id SELECT 'other@far.example.com', id, NULL FROM subscription WHERE imsi = '001010000000777';
END

n=100
say() { scs $acme --json "$@"; }
field() { jq -r "select(.type == \"$1\") | .$2"; }
act() { # DEVICE [OPTIONS]: the status, with the number of the request in $n
	local device=$1
	shift
	n=$((n + 1))
	status=$(say trigger --ext-id "$device@far.example.com" --reference $n "$@" | field answer status)
}
asked() { jq -c "select(.type == \"sir\" and .ext_id == \"$1@far.example.com\")" "$LAB/hss.log" | wc -l; }
dtr() { jq -r "select(.type == \"dtr\" and .reference == $n) | $1" "$LAB/smssc.log"; }
reason() { lab_sql "SELECT reason FROM audit WHERE reference = $n"; }
connections() { grep -c "acl.*hss.$lab_realm is connected" "$LAB/node.log"; }
connected() { [ "$(connections)" -gt "$1" ]; }
# refused DEVICE STATUS REASON
refused() {
	act "$1"
	is "$1" "$status $(reason)" "$2 $3"
	is "and the SMS-SC hears nothing of it" "$(dtr .imsi)" ""
}

echo "# an HSS that is not there"
lab_smssc_start && lab_node_start || exit 1
act near
is "HSS down at the start: try again later" "$status $(reason)" "TEMPORARYERROR hss-unreachable"
before=$(connections)
lab_hss_start && lab_wait 15 connected "$before"

echo "# what it answers"
act success --port 5683 --priority --scs-identity 491510001002
is "success" "$status" SUCCESS
is "the SMS-SC is told the IMSI of the HSS" "$(dtr .imsi)" 001010000000504
like "and the nodes" "$(dtr .nodes)" "00000961*"
is "the HSS is told what the SCS wants" \
	"$(jq -c 'select(.ext_id == "success@far.example.com") | [.scs_identity, .smea, .priority, .port]' "$LAB/hss.log")" \
	'["491510001002","491510001002",1,5683]'
refused user-unknown INVEXTID hss-unknown-user
refused unauthorized-requester NOTAUTHORIZED hss-unauthorized
refused picky NOTAUTHORIZED hss-unauthorized
refused unauthorized-service SERVICEUNAVAILABLE hss-no-service
refused teleservice SERVICEUNAVAILABLE hss-no-service
refused barred SERVICEUNAVAILABLE hss-no-service
refused too-busy TEMPORARYERROR hss-refused
refused unable-to-comply PERMANENTERROR hss-refused
refused nameless TEMPORARYERROR hss-nonsense
refused nobody INVEXTID hss-unknown-user
act absent
is "absent: the SMS-SC may wait for it" "$status $(dtr .nodes)" "SUCCESS null"
refused silent TEMPORARYERROR hss-timeout
refused late TEMPORARYERROR hss-timeout
for r in $nonsense; do
	before=$(connections)
	if [ $r = bad-length ]; then
		# Not even framed like a message: freeDiameter closes the connection.
		act $r
		is "$r" "$status" TEMPORARYERROR
	else
		refused $r TEMPORARYERROR hss-nonsense
	fi
done
lab_wait 15 connected "$before"
act known
is "a device of our tables, too" "$status" SUCCESS
refused other INVEXTID two-devices

echo "# asked once"
before=$(asked near)
act near; first=$status
act near
is "an answer is remembered" "$first $status $(($(asked near) - before))" "SUCCESS SUCCESS 1"
act near --port 4711
is "but not for another question" "$status $(($(asked near) - before))" "SUCCESS 2"
sleep 3.2
act near
is "and not for ever" "$status $(($(asked near) - before))" "SUCCESS 3"
before=$(asked user-unknown)
act user-unknown
act user-unknown
is "a refusal is not remembered" "$(($(asked user-unknown) - before))" 2
n=$((n + 1))
out=$(say trigger --ext-id slow@far.example.com --reference $n --count 20)
n=$((n + 20))
is "twenty at once: all accepted" "$(field answer status <<<"$out" | sort | uniq -c | xargs)" "20 SUCCESS"
is "and asked once" "$(asked slow)" 1
before=$(wc -l <"$LAB/hss.log")
n=$((n + 1))
status=$(scs $nord --json trigger --ext-id success@far.example.com --reference $n --payload x | field answer status)
is "an SCS without a grant is refused before the HSS is asked" "$status $(($(wc -l <"$LAB/hss.log") - before))" "NOTAUTHORIZED 0"
lab_sql "UPDATE scs SET enabled = 0 WHERE name = 'acme'"
act barred
is "one that is disabled does not even get in" "$status $(($(wc -l <"$LAB/hss.log") - before))" " 0"
lab_sql "UPDATE scs SET enabled = 1 WHERE name = 'acme'"

echo "# it dies"
n=$((n + 1))
before=$(asked silent)
say trigger --ext-id silent@far.example.com --reference $n >"$LAB/dying.out" &
dying=$!
more_asked() { [ "$(asked silent)" -gt "$before" ]; }
lab_wait 3 more_asked
lab_kill hss KILL 2>/dev/null
wait $dying
is "before it answers: try again later" "$(field answer status <"$LAB/dying.out")" TEMPORARYERROR
act success
is "while it is away: try again later" "$status" TEMPORARYERROR
before=$(connections)
lab_hss_start && lab_wait 15 connected "$before"
act success
is "it is back" "$status" SUCCESS

echo "# first our tables, then the HSS"
LAB_IDENTITY=local-then-hss lab_node_conf
lab_node_stop && lab_node_start || exit 1
before=$(wc -l <"$LAB/hss.log")
n=$((n + 1))
is "a device of our tables" "$(say trigger --ext-id meter1@iot.example.com --reference $n | field answer status)" SUCCESS
act other
is "even if the HSS knows another one" "$status $(dtr .imsi)" "SUCCESS 001010000000777"
is "needs no HSS" "$(($(wc -l <"$LAB/hss.log") - before))" 0
act near
is "any other device does" "$status $(dtr .imsi)" "SUCCESS 001010000000501"
lab_kill hss
act success
is "and gets no answer without" "$status" TEMPORARYERROR
n=$((n + 1))
is "while ours goes on" "$(say trigger --ext-id meter1@iot.example.com --reference $n | field answer status)" SUCCESS
lab_node_stop
is "the node ends cleanly" $? 0
case_end
