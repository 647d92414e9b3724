#!/bin/bash
# One SCS sends fifty times what it may, the SMS-SC takes less than it is sent, a
# device is triggered again and again: another SCS that keeps to its rate gets
# every one of its triggers through.
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
sed -i 's/^\tdefault = .*\|^default = .*/default = { outcome = "no-report"; };/' "$LAB/sim-smssc.conf"
lab_devices flood1 flood2 calm1 calm2
lab_sql <<-END
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger)
	  SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x WHERE s.origin_host = '$nord' AND x.ext_id LIKE 'calm_@%';
END

# load NAME SCS DEVICE ARGS...: in the background; the summary is in $LAB/NAME.json.
load() {
	local name=$1 scs=$2 device=$3
	shift 3
	lab_spawn "$name" "$(lab_tool tsp-load)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --json \
		--cert "$LAB/pki/$scs.crt" --key "$LAB/pki/$scs.key" --ca "$LAB/pki/ca.crt" --origin-host "$scs" \
		--origin-realm "${scs#*.}" --dest-realm "$lab_realm" --ext-id "$device%d@iot.example.com" --devices 1-2 "$@"
}
done_with() { lab_wait 120 sh -c "! kill -0 $(cat "$LAB/$1.pid")"; rm -f "$LAB/$1.pid"; }
number() { jq -r "select(.type == \"summary\") | .$2 // 0" "$LAB/$1.log" 2>/dev/null | tail -1; }

lab_start || exit 1

# ---- fifty times its rate
lab_sql "UPDATE scs SET rate_per_s = 20, burst = 20 WHERE name = 'acme'"
load flood $acme flood --rate 1000 --duration 5
load calm $nord calm --rate 20 --count 80
done_with calm
done_with flood
is "beside a flood each trigger of another SCS goes through" "$(number calm result_2001_status_0)" 80
is "what is above the rate is RATEEXCEEDED" "$(($(number flood result_2001_status_109) > 3000))" 1
is "and what is below goes through" "$(($(number flood result_2001_status_0) >= 20))" 1
is "each is answered" "$(($(number flood result_2001_status_109) + $(number flood result_2001_status_0)))" "$(number flood sent)"

# ---- the SMS-SC has its own rate
lab_sql "UPDATE scs SET rate_per_s = 100000, burst = 100000"
lab_node_stop || case_not_ok "the node ends"
LAB_SMSSC_RATE=60 LAB_T4="waiting_max = 40;" lab_node_conf
lab_node_start || exit 1
load flood2 $acme flood --outstanding 200 --duration 5
load calm2 $nord calm --rate 10 --count 40
done_with calm2
done_with flood2
is "before a slow SMS-SC the other SCS has its turn each time" "$(number calm2 result_2001_status_0)" 40
is "the flood has what is left" "$(($(number flood2 result_2001_status_0) > 40))" 1
is "and hears TEMPORARYERROR of the rest" "$(($(number flood2 result_2001_status_201) > 40))" 1
is "the audit says why" "$(lab_sql "SELECT DISTINCT s.name || ' ' || reason FROM audit a JOIN scs s ON s.id = a.scs_id WHERE decision = 'failed'")" "acme smssc-busy"

# ---- one device
lab_node_stop || case_not_ok "the node ends"
LAB_POLICY="device_rate_per_h = 60; device_burst = 5;" lab_node_conf
lab_node_start || exit 1
for n in 1 2 3 4 5; do
	out=$(scs $acme trigger --ext-id flood1@iot.example.com --reference $((900 + n)) --payload x --json)
done
is "a device gets as many as it bears" "$(jq -r 'select(.type == "answer") | .status' <<<"$out")" SUCCESS
out=$(scs $acme trigger --ext-id flood1@iot.example.com --reference 910 --payload x --json)
is "and no more" "$(jq -r 'select(.type == "answer") | .status' <<<"$out")" RATEEXCEEDED
out=$(scs $acme trigger --ext-id flood2@iot.example.com --reference 911 --payload x --json)
is "another device has its own" "$(jq -r 'select(.type == "answer") | .status' <<<"$out")" SUCCESS
is "the audit tells it from the SCS's rate" "$(lab_sql "SELECT reason FROM audit WHERE reference = 910")" device-rate

# ---- refusals by the thousand
lab_node_stop || case_not_ok "the node ends"
LAB_AUDIT="repeat_after = 5; repeat_s = 2;" lab_node_conf
lab_node_start || exit 1
before=$(lab_sql "SELECT coalesce(max(id), 0) FROM audit")
load refused $nord flood --outstanding 50 --count 3000
done_with refused
is "a flood of refusals is answered" "$(number refused result_2001_status_105)" 3000
told() { [ "$(lab_sql "SELECT sum(times) FROM audit WHERE reason = 'no-grant' AND id > $before")" = 3000 ]; }
works "and counted, none lost" lab_wait 20 told
rows=$(lab_sql "SELECT count(*) FROM audit WHERE reason = 'no-grant' AND id > $before")
is "in a few rows ($rows)" "$((rows < 200))" 1
like "and said to nobody whose device it is not" "$(iwfctl user report)" "nothing was refused*"
like "the chain holds" "$(iwfctl audit verify)" "*unbroken*"

# ---- and the owner hears of it
cat >"$LAB/tell" <<-END
	#!/bin/sh
	cat >>"$LAB/told"
END
chmod 755 "$LAB/tell"
lab_node_stop || case_not_ok "the node ends"
LAB_AUDIT="repeat_after = 5; repeat_s = 2;" LAB_CONF="notify_user = { command = \"$LAB/tell\"; interval_s = 1; };" lab_node_conf
lab_node_start || exit 1
load owner $nord meter --outstanding 10 --count 300
done_with owner
heard() { [ "$(jq -s 'map(select(.user == "acme-metering").refused) | add' "$LAB/told")" = "$(number owner result_2001_status_105)" ]; }
works "the owner is told of each refusal" lab_wait 30 heard
is "from whom" "$(jq -r '.sources[] | .scs + " " + .reason + " " + .address' "$LAB/told" | sort -u)" "nordtrack user-forbids [127.0.0.1]"
like "the report says so too" "$(iwfctl user report acme-metering)" "*nordtrack*[[]127.0.0.1]*"
case $(cat "$LAB/told") in *"$(lab_sql "SELECT imsi FROM subscription JOIN external_id ON subscription_id = subscription.id WHERE ext_id = 'meter1@iot.example.com'")"*)
	case_not_ok "without an IMSI";; *) case_ok "without an IMSI";; esac

case_end
