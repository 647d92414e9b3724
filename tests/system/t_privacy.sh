#!/bin/bash
# No IMSI and no name of the inside gets out: every kind of request, answer and
# failure, with an HSS and an SMS-SC that tell what they know in every AVP; then
# all octets that went to SCSs, out of their TLS, all logs and all that iwfctl
# shows are searched.  SCSs are attached to the node itself or, with LAB_DOOR=yes
# (t_privacy_door.sh), to the gateway.
. "$SRC/tests/system/case.sh"
LAB_DOOR=${LAB_DOOR:-no}
case_begin
exec </dev/null
LAB_T4='timeout_ms = 1000;' LAB_S6M='timeout_ms = 1000; cache_max = 1;' LAB_NOTIFY='timeout_ms = 1000;' LAB_IDENTITY=local-then-hss
LAB_CONF='privacy = { hash_key_file = "hash.key"; inside_names = [ "mme1.operator.example", "sgsn.core.operator.example" ]; };'
case_key() { (umask 077; head -c 32 /dev/urandom >"$case_dir/lab/hash.key"); }
mkdir "$case_dir/lab"
case_key
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
taint=$(lab_tool tests/support/taint)
gossip=262017733557799 gossip14=26201773355889
errors='user-unknown invalid-sme congestion replace-failure recall-failure not-pending too-busy unable-to-comply'
nonsense='no-result short-result no-origin garbage-group bad-length'
hss_results='success user-unknown unauthorized-requester unauthorized-service absent teleservice barred too-busy unable-to-comply silent'

# ---- who is who ---------------------------------------------------------

lab_devices now soon silent absent memory expired teller $errors $nonsense
# Numbers in which no digit is like the next, that nothing else looks like.
lab_sql <<-END
	UPDATE subscription SET imsi = printf('26201%010d', (id * 7368787 + 1234567890) % 10000000000);
	UPDATE scs SET rate_per_s = 100000, burst = 100000;
	UPDATE scs SET allow_priority = 1 WHERE name = 'acme';
END
# One whose External Identifier gives it away.
own=262015544332211
lab_sql <<-END
	INSERT INTO subscription (imsi) VALUES ('$own');
	INSERT INTO external_id (ext_id, subscription_id) VALUES ('$own@iot.example.com', last_insert_rowid());
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger)
	  SELECT s.id, d.id, 1 FROM scs s, subscription d WHERE s.name = 'acme' AND d.imsi = '$own';
END
far=() i=0
for r in $hss_results $nonsense; do
	i=$((i + 1))
	far+=("26201984756$((1000 + 37 * i))")
done
sims() {
	local i=0 r w said="gossip = \"$gossip of hss.$lab_realm and smssc.$lab_realm, $gossip14 at mme1.$lab_realm\";"
	local node="serving_node = { msc_number = \"491710000001\"; mme_name = \"mme1.$lab_realm\"; mme_realm = \"$lab_realm\"; };
	            additional_nodes = ( { sgsn_name = \"sgsn.core.$lab_realm\"; sgsn_realm = \"core.$lab_realm\"; } );"
	{
		echo "identity = \"hss.$lab_realm\"; realm = \"$lab_realm\"; port = $1; $said subscribers = ("
		for r in $hss_results $nonsense; do
			case " $nonsense " in *" $r "*) w="result = \"nonsense\"; nonsense = \"$r\";";; *) w="result = \"$r\";";; esac
			echo "  { imsi = \"${far[i]}\"; ext_id = \"$r@far.example.com\"; $w $node },"
			i=$((i + 1))
		done
		echo "  { imsi = \"262010000000000\"; } ); default = { result = \"user-unknown\"; };"
	} >"$LAB/sim-hss.conf"
	{
		echo "identity = \"smssc.$lab_realm\"; realm = \"$lab_realm\"; port = $2; $said default = { after_ms = 100; }; devices = ("
		for r in $errors; do echo "  { ext_id = \"$r@iot.example.com\"; answer = \"$r\"; recall_answer = \"$r\"; replace_answer = \"$r\"; diagnostic = 1; },"; done
		for r in $nonsense; do echo "  { ext_id = \"$r@iot.example.com\"; answer = \"nonsense\"; nonsense = \"$r\"; stored = false; },"; done
		for r in absent memory expired; do echo "  { ext_id = \"$r@iot.example.com\"; outcome = \"$r\"; after_ms = 100; },"; done
		echo "  { ext_id = \"slow@iot.example.com\"; after_ms = 3600000; }, { ext_id = \"silent@iot.example.com\"; answer = \"silent\"; } );"
	} >"$LAB/sim-smssc.conf"
}
lab_port; hss_port=$lab_free_port
lab_port; smssc_port=$lab_free_port
sims "$hss_port" "$smssc_port"

secrets() {
	lab_sql "SELECT 'number ' || imsi FROM subscription WHERE imsi != '$own'"
	printf 'number %s\n' "${far[@]}" $gossip $gossip14
}
secrets >"$LAB/numbers"
{
	cat "$LAB/numbers"
	printf 'name %s\n' "hss.$lab_realm" "smssc.$lab_realm" "mme1.$lab_realm" "core.$lab_realm"
	[ "$LAB_DOOR" = no ] || echo "name $lab_node"
} >"$LAB/secrets"

# ---- what SCSs do -------------------------------------------------------

# capture NAME: begins; capture_stop: ends it.
capturing=no
capture() {
	capturing=no
	command -v tshark >/dev/null || return 1
	rm -f "$LAB/tshark.log"
	lab_spawn tshark tshark -q -i lo -f "tcp port $lab_scs_port" -w "$LAB/$1.pcapng"
	lab_wait 10 grep -q 'Capturing on' "$LAB/tshark.log" && lab_wait 10 test -s "$LAB/$1.pcapng" && capturing=yes
}
capture_stop() {
	[ $capturing = no ] || lab_kill tshark INT >/dev/null 2>&1
}
# All that an SCS is told, it prints.
say() {
	local i status who=$1
	shift
	cat >"$LAB/say.in"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		scs "$who" --json --trace --keylog "$LAB/keys.log" "$@" <"$LAB/say.in" >"$LAB/say.out" 2>"$LAB/say.trace"
		status=$?
		[ $status = 3 ] || break
		sleep 0.5
	done
	cat "$LAB/say.out" >>"$LAB/scs.out"
	cat "$LAB/say.trace" >>"$LAB/scs.out"
	cat "$LAB/say.out"
	return $status
}
statuses() { jq -r 'select(.type == "answer") | .status // .result_code' | tr '\n' ' '; }
connected() { [ "$(grep -c "acl.*$1.$lab_realm is connected" "$LAB/node.log")" -gt "$2" ]; }
connections() { grep -c "acl.*$1.$lab_realm is connected" "$LAB/node.log"; }

lab_hss_start && lab_smssc_start || exit 1
capture wire
# As chatty as it can be.
LAB_NODE_ARGS='-d -d' lab_node_start || exit 1
[ "$LAB_DOOR" = no ] || lab_door_start || exit 1

n=100
trigger() { echo "trigger --ext-id $1 --reference $((n += 1)) ${*:2}"; }
{
	for d in now absent memory expired; do trigger $d@iot.example.com --payload x --validity 60; done
	trigger meter1@iot.example.com --payload x --msisdn 491510000001 --scs-identity 491510001001
	echo "trigger --msisdn 491510000001 --reference $((n += 1)) --payload x"
	echo wait 10
	trigger slow@iot.example.com --payload one --validity 600
	echo wait 10
	echo "recall --ext-id slow@iot.example.com --reference $n"
	echo wait 10
	trigger slow@iot.example.com --payload two --validity 600
	echo wait 10
	echo "replace --ext-id slow@iot.example.com --reference $((n + 1)) --old-reference $n --payload three"
	n=$((n + 1))
	echo wait 10
	echo "wait-report 101 10"
	echo "recall --ext-id now@iot.example.com --reference 101"
	echo wait 10
	echo "recall --ext-id now@iot.example.com --reference 4711"
	echo wait 10
	echo sleep 1
} >"$LAB/good"
out=$(say $acme script <"$LAB/good")
is "accepted, recalled, replaced; and too late" "$(statuses <<<"$out")" \
	"SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS ORIGINALMESSAGESENT RECALLFAIL "
is "what became of them is reported" "$(jq -r 'select(.type == "report") | .outcome' <<<"$out" | sort | uniq -c | tr -s ' \n' ' ')" \
	" 1 EXPIRED 3 SUCCESS 2 UNDELIVERABLE "

{
	trigger nobody@iot.example.com
	trigger tracker1@iot.example.com
	trigger tracker3@iot.example.com
	trigger meter4@iot.example.com
	trigger nonsense
	trigger now@iot.example.com --payload-size 5000
	trigger now@iot.example.com --payload-hex "''"
	trigger now@iot.example.com --validity 4000000000
	trigger now@iot.example.com --port 70000
	trigger now@iot.example.com --scs-identity 491520002001
	trigger now@iot.example.com --msisdn 491510000002
	trigger now@iot.example.com --msisdn-hex ffff
	trigger now@iot.example.com --omit Reference-Number
	trigger now@iot.example.com --double Action-Type
	trigger now@iot.example.com --action-type 5
	trigger now@iot.example.com --avp 9999:10415:c0=00112233
	trigger now@iot.example.com --avp Device-Action/9999:10415:c0=00112233
	trigger now@iot.example.com --dest-host nowhere.example
	trigger now@iot.example.com --dest-realm nowhere.example
	echo wait 10
} >"$LAB/bad"
out=$(say $acme script <"$LAB/bad")
is "each way to be refused has an answer" "$(statuses <<<"$out" | wc -w)" "$(grep -c '^trigger' "$LAB/bad")"
n=$((n + 1))
out=$(say $nord trigger --ext-id meter1@iot.example.com --reference $n --payload x)
is "another customer's device" "$(statuses <<<"$out")" "NOTAUTHORIZED "
for who in pki/stranger/$acme pki/$nord; do
	"$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --ca "$LAB/pki/ca.crt" --cert "$LAB/$who.crt" \
		--key "$LAB/$who.key" --origin-host $acme --origin-realm acme.example --dest-realm $lab_realm --json --trace --keylog "$LAB/keys.log" \
		trigger --ext-id meter1@iot.example.com --payload x >>"$LAB/scs.out" 2>&1
	is "a certificate that is not its own: ${who%/*}" $? 3
done

before=$(connections smssc)
for d in $errors silent $nonsense; do trigger $d@iot.example.com --payload x; done >"$LAB/t4"
echo wait 20 >>"$LAB/t4"
out=$(say $acme script <"$LAB/t4")
is "each error of the SMS-SC has an answer" "$(statuses <<<"$out" | wc -w)" "$(grep -c '^trigger' "$LAB/t4")"
# The last nonsense ends the connection, and what is sent again over the next one may end that, too.
lab_wait 20 connected smssc "$before"
served() { [ "$(say $acme trigger --ext-id now@iot.example.com --reference $((7000 + RANDOM)) --payload x | statuses)" = "SUCCESS " ]; }
works "the SMS-SC is back after its nonsense" lab_wait 20 served
{
	for d in $hss_results; do trigger $d@far.example.com --payload x; done
	echo wait 20
	for d in $nonsense; do trigger $d@far.example.com --payload x; done
	echo wait 20
} >"$LAB/s6m"
out=$(say $acme script <"$LAB/s6m")
is "each answer of the HSS has an answer" "$(statuses <<<"$out" | wc -w)" "$(grep -c '^trigger' "$LAB/s6m")"
is "and its devices are triggered" "$(jq -r 'select(.type == "answer" and .status == "SUCCESS") | .status' <<<"$out" | wc -l)" 2
works "the HSS and the SMS-SC have told all they know" grep -q '"imsi":"26201984756' "$LAB/smssc.log"

lab_kill hss >/dev/null
n=$((n + 1))
out=$(say $acme trigger --ext-id barred@far.example.com --reference $n --payload x)
is "no HSS" "$(statuses <<<"$out")" "TEMPORARYERROR "
before=$(connections smssc)
lab_kill smssc >/dev/null

# Somebody with the SMS-SC's application and realm, but an SCS: freeDiameter would
# give him what the SMS-SC is to have.
if [ "$LAB_DOOR" = no ]; then
	lab_sql "INSERT INTO scs (name, origin_host, origin_realm, domain, security) VALUES
	         ('impostor', 'smssc2.$lab_realm', '$lab_realm', 'inside', 'ndsip');
	         INSERT INTO scs_gateway (scs_id, ndsip_address) VALUES (last_insert_rowid(), '127.0.0.1')"
	sed "s/smssc\.$lab_realm\"; realm/smssc2.$lab_realm\"; realm/; s/port = $smssc_port/port = 0/" "$LAB/sim-smssc.conf" >"$LAB/sim-smssc2.conf"
	lab_smssc_start smssc2
	lab_node_stop
	lab_node_start || exit 1
	works "an SCS with T4 is connected" grep -q "acl notice: smssc2.$lab_realm is connected.*as SCS impostor" "$LAB/node.log"
fi
n=$((n + 1))
out=$(say $acme trigger --ext-id now@iot.example.com --reference $n --payload x)
is "no SMS-SC" "$(statuses <<<"$out")" "TEMPORARYERROR "
if [ "$LAB_DOOR" = no ]; then
	is "what is for the SMS-SC goes to no SCS" "$(grep -c -e '"type":"dtr"' -e '"type":"wrong"' "$LAB/smssc2.log")" 0
	lab_kill smssc2 >/dev/null
	rm -f "$LAB/smssc2.port"
fi
lab_smssc_start || exit 1
lab_wait 20 connected smssc "$before" || case_not_ok "the SMS-SC is back"
capture_stop
printed=$(jq -rR 'fromjson? | .type? // empty' "$LAB/scs.out" | grep -c -e answer -e report)
# What bad_input says has names of the inside in it, and it may have those back.
if [ "$LAB_DOOR" = no ]; then
	capture bad
	SSLKEYLOGFILE=$LAB/keys.log "$(lab_tool tests/system/bad_input)" "$lab_node_secport" "$LAB/pki" "$lab_node" "$lab_realm" >"$LAB/bad_input.out" 2>&1
	works "bad input was sent" grep -q '^ok' "$LAB/bad_input.out"
	capture_stop
fi

# ---- the guard at work --------------------------------------------------

# The SCS knows that name; but the number in it is a subscriber's, and the report can do without.
before=$(lab_sql "SELECT count(*) FROM audit WHERE reason = 'egress-imsi'")
is "nothing had to be stopped so far" "$before" 0
n=$((n + 1))
out=$(say $acme trigger --ext-id $own@iot.example.com --reference $n --payload x --wait-report=20)
is "a trigger for a number that is an IMSI" "$(statuses <<<"$out")" "SUCCESS "
is "its report says what became of it" "$(jq -r "select(.type == \"report\" and .reference == $n) | .outcome" <<<"$out")" SUCCESS
is "and not of whom" "$(jq -r "select(.type == \"report\" and .reference == $n) | .ext_id" <<<"$out")" null
lab_wait 5 test "$(lab_sql "SELECT count(*) FROM audit WHERE reason = 'egress-imsi'")" = 1
is "which is in the audit" "$(lab_sql "SELECT event, decision, peer FROM audit WHERE reason = 'egress-imsi'")" "egress|refused|$( [ "$LAB_DOOR" = no ] && echo $acme || echo $lab_iwf )"
name=$(lab_sql "SELECT detail FROM audit WHERE reason = 'egress-imsi'" | sed 's/.*#\([0-9a-f]*\).*/\1/')
is "under a name that the authorised can reveal" "$(iwfctl --json reveal "$name" | jq -r 'select(.what == "imsi") | .is')" $own
# A number that somebody guesses is answered like any other.
known=$(lab_sql "SELECT imsi FROM subscription JOIN external_id ON subscription_id = subscription.id WHERE ext_id = 'now@iot.example.com'")
answer() { jq -c 'select(.type == "answer") | [.result_code, .status, .ext_id == $id]' --arg id "$1" <<<"$2"; }
a=$known@iot.example.com b=262014455667788@iot.example.com
is "who guesses an IMSI learns nothing" "$(answer $a "$(say $acme trigger --ext-id $a --reference 5001)")" \
	"$(answer $b "$(say $acme trigger --ext-id $b --reference 5002)")"

# ---- what was seen of it ------------------------------------------------

[ "$LAB_DOOR" = no ] || lab_door_status >"$LAB/door.status"
iwfctl audit list --limit 100000 >"$LAB/audit.list"
iwfctl audit export >"$LAB/audit.csv"
iwfctl audit export --format json >"$LAB/audit.json"
iwfctl device list >"$LAB/device.list"
iwfctl trigger list >"$LAB/trigger.list"
lab_sql '.dump audit' '.dump audit_repeat' >"$LAB/audit.sql"
lab_node_stop
is "the node ends cleanly" $? 0
[ "$LAB_DOOR" = no ] || lab_door_stop

works "the search finds what is there" test "$("$taint" "$LAB/numbers" "$LAB/smssc.log" | grep -c ' as text ')" -gt 10
# The lists show External Identifiers, and one is what it is.
seen=$(cd "$LAB" && "$taint" numbers device.list trigger.list; echo "number $own" >>numbers
       "$taint" numbers node.log $(ls door.log door.status 2>/dev/null) audit.list audit.csv audit.json audit.sql 2>&1)
is "no IMSI is in a log, the audit, an export or a list" "$seen" ""
works "the node's log was as chatty as can be" grep -q ' DBG ' "$LAB/node.log"

# read_wire NAME: the octets from the server, a file for each connection: of both ends, tshark
# shows one behind a tab.
read_wire() {
	local as_user= args=() s base=(env HOME=/nonexistent)
	chmod 755 "$LAB" "$case_dir"
	chmod 644 "$LAB/$1.pcapng" "$LAB/keys.log"
	[ "$(id -u)" != 0 ] || base+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	base+=(tshark -r - -o "tls.keylog_file:$LAB/keys.log" -d "tcp.port==$lab_scs_port,tls")
	for s in $("${base[@]}" -Y "tls.app_data && tcp.srcport == $lab_scs_port" -T fields -e tcp.stream <"$LAB/$1.pcapng" 2>"$LAB/tshark.err" | sort -nu); do
		args+=(-z "follow,tls,raw,$s")
	done
	mkdir "$LAB/$1.d"
	"${base[@]}" -q "${args[@]}" <"$LAB/$1.pcapng" 2>>"$LAB/tshark.err" | awk -v dir="$LAB/$1.d" -v port=":$lab_scs_port\$" '
		/^Filter: / { file = dir "/" $NF ".hex" }
		/^Node [01]: / { if ($NF ~ port) server = $2 == "1:" }
		/^\t?[0-9a-f]+$/ { if ((substr($0, 1, 1) == "\t") == server) print $1 >file }'
}
if [ $capturing = yes ]; then
	read_wire wire
	messages=$(cd "$LAB" && "$taint" secrets wire.d/*.hex)
	is "nothing that must stay inside went to an SCS" "$(grep -v ' messages$' <<<"$messages")" ""
	sent=$(awk "/ messages/ { n += \$2 } END { print n }" <<<"$messages")
	works "all that went to SCSs was read: $sent messages, $printed of them answers and reports" test "$sent" -gt "$printed" -a "$printed" -gt 60
	if [ "$LAB_DOOR" = no ]; then
		read_wire bad
		messages=$(cd "$LAB" && "$taint" numbers bad.d/*.hex)
		is "nor an IMSI to who sends bad input" "$(grep -v ' messages' <<<"$messages")" ""
		works "that was read too" test "$(awk '{ n += $2 } END { print n }' <<<"$messages")" -gt 100
	fi
elif [ "$(id -u)" = 0 ]; then
	case_not_ok "the wire was captured" "$(tail -3 "$LAB/tshark.log" 2>/dev/null)"
else
	case_skip "the wire: this user may not capture on lo ($(tail -1 "$LAB/tshark.log" 2>/dev/null))"
fi
case_end
