#!/bin/bash
# The main job: trigger, report, recall, replace; strangers and the wrong
# customer kept out; and all of it seen on the wire.  SCSs are attached to the
# node itself or, with LAB_DOOR=yes (t_trigger_door.sh), to the gateway.
. "$SRC/tests/system/case.sh"
LAB_DOOR=${LAB_DOOR:-no}
case_begin
exec </dev/null
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example

# The Tsp leg is decrypted with the key log of tsp-scs; S6m and T4 are in the clear.
capture_start() {
	command -v tshark >/dev/null || return 1
	lab_spawn tshark tshark -q -i lo -f "tcp" -w "$LAB/wire.pcapng"
	lab_wait 10 grep -q 'Capturing on' "$LAB/tshark.log" && lab_wait 10 test -s "$LAB/wire.pcapng"
}
try() { scs "$@" --json --keylog "$LAB/keys.log"; }
# As an SCS does that is not let in at once: freeDiameter refuses a connection
# while it still clears away the last one of that name.
say() {
	local i status
	cat >"$LAB/say.in"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		try "$@" <"$LAB/say.in" >"$LAB/say.out"
		status=$?
		[ $status = 3 ] || break
		sleep 0.5
	done
	cat "$LAB/say.out"
	return $status
}
audited() { [ "$(lab_sql "SELECT count(*) FROM audit WHERE $1")" != 0 ]; }
field() { jq -r "select(.type == \"$1\") | .$2" | head -1; }

LAB_IDENTITY=local-then-hss lab_node_conf
lab_hss_start && lab_smssc_start || exit 1
capturing=no
capture_start && capturing=yes
lab_node_start || exit 1
[ "$LAB_DOOR" = no ] || lab_door_start || exit 1

out=$(say $acme trigger --ext-id meter1@iot.example.com --reference 7 --payload "wake up" --port 5683 --validity 3600 --wait-report=20)
is "a trigger is accepted" "$(field answer status <<<"$out")" SUCCESS
is "with Result-Code 2001" "$(field answer result_code <<<"$out")" 2001
is "and its Reference-Number" "$(field answer reference <<<"$out")" 7
is "the report says delivered" "$(field report outcome <<<"$out")" SUCCESS
is "and names the device as the SCS did" "$(field report ext_id <<<"$out")" meter1@iot.example.com
is "the journal has it" "$(lab_sql 'SELECT state, request_status, outcome FROM device_trigger WHERE reference = 7')" "5|0|0"
is "the outbox is empty" "$(lab_sql 'SELECT count(*) FROM outbox')" 0

imsi=$(lab_sql "SELECT imsi FROM subscription JOIN external_id ON subscription_id = subscription.id WHERE ext_id = 'meter1@iot.example.com'")
like "the SMS-SC was told the IMSI" "$(cat "$LAB/smssc.log")" "*$imsi*"
case $out in *"$imsi"*) case_not_ok "the SCS was not told the IMSI";; *) case_ok "the SCS was not told the IMSI";; esac

out=$(say $nord trigger --ext-id meter1@iot.example.com --reference 8 --payload x)
is "another customer's device is refused" "$(field answer status <<<"$out")" NOTAUTHORIZED
is "and the audit says why" "$(lab_sql "SELECT reason FROM audit WHERE reference = 8")" user-forbids

lab_wait 5 audited "reference = 8"
is "and whose certificate it was, whole" "$(lab_sql "SELECT length(cert_sha256), address LIKE '%127.0.0.1%:%' FROM audit WHERE reference = 8")" "64|1"
out=$(SCS_HOST=$acme SCS_REALM=acme.example try $nord trigger --ext-id meter1@iot.example.com --payload x)
is "another SCS's certificate is kept out" $? 3
lab_wait 5 audited "reason = 'cert-name'"
is "and the audit says why" "$(lab_sql "SELECT reason FROM audit WHERE event = 'connect' AND decision = 'refused' AND peer = '$acme'")" cert-name
"$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --ca "$LAB/pki/ca.crt" \
	--cert "$LAB/pki/stranger/$acme.crt" --key "$LAB/pki/stranger/$acme.key" --origin-host $acme --origin-realm acme.example \
	--dest-realm $lab_realm --json trigger --ext-id meter1@iot.example.com --payload x >/dev/null 2>&1
is "a stranger's certificate is kept out" $? 3
reason=handshake
[ "$LAB_DOOR" = no ] || reason=cert-issuer
lab_wait 5 audited "reason = '$reason'"
like "and the audit says why and from where" "$(lab_sql "SELECT reason, address FROM audit WHERE reason = '$reason'")" "$reason|*127.0.0.1*:*"

out=$(say $acme trigger --ext-id meter1@far.example.com --reference 9 --payload "from the HSS" --wait-report=20)
is "a device that only the HSS knows is triggered" "$(field answer status <<<"$out")" SUCCESS
is "and reported" "$(field report outcome <<<"$out")" SUCCESS

# A device whose delivery takes its time, so that there is something to recall and to replace.
out=$(say $acme script <<-END
	trigger --ext-id slow@iot.example.com --reference 20 --payload one --validity 600
	wait 10
	recall --ext-id slow@iot.example.com --reference 20
	wait 10
	trigger --ext-id slow@iot.example.com --reference 21 --payload two --validity 600
	wait 10
	replace --ext-id slow@iot.example.com --reference 22 --old-reference 21 --payload three --validity 600
	wait 10
	recall --ext-id slow@iot.example.com --reference 21
	wait 10
	recall --ext-id slow@iot.example.com --reference 22
	wait 10
	recall --ext-id meter1@iot.example.com --reference 7
END
)
is "trigger, recall, trigger, replace, recall of each" \
	"$(jq -r 'select(.type == "answer") | .status' <<<"$out" | tr '\n' ' ')" \
	"SUCCESS SUCCESS SUCCESS SUCCESS RECALLFAIL SUCCESS ORIGINALMESSAGESENT "
is "the journal knows what became of them" \
	"$(lab_sql 'SELECT reference, action, state FROM device_trigger WHERE reference BETWEEN 20 AND 22 ORDER BY id' | tr '\n' ' ')" \
	"20|1|9 20|3|13 21|1|10 22|4|9 22|3|13 "

if [ "$LAB_DOOR" = yes ]; then
	lab_door_stop
	is "the gateway ends cleanly on SIGTERM" $? 0
fi
lab_node_stop
is "the node ends cleanly on SIGTERM" $? 0

if [ $capturing = yes ]; then
	lab_kill tshark INT >/dev/null 2>&1
	. "$SRC/tests/system/wire.sh"
	wire_check "$LAB/wire.pcapng" "$LAB/keys.log"
	[ "$LAB_DOOR" = no ] || wire_hidden
elif [ "$(id -u)" = 0 ]; then
	case_not_ok "the wire was captured" "$(tail -3 "$LAB/tshark.log" 2>/dev/null)"
else
	case_skip "the wire: this user may not capture on lo ($(tail -1 "$LAB/tshark.log" 2>/dev/null))"
fi
case_end
