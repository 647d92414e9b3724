#!/bin/bash
# The MTC Security Gateway under nonsense: mutated handshakes, Diameter messages
# of an SCS that is in, and a node that has gone mad.
#
#   GW_FUZZ=N        handshakes and messages (2000)
#   GW_FUZZ_SEED=N   the same again
LAB_DOOR=yes
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
trap 'lab_kill mad >/dev/null 2>&1; lab_stop; rm -rf "$case_dir"' EXIT
count=${GW_FUZZ:-2000}
seed=${GW_FUZZ_SEED:-$(($(date +%s) % 1000000))}
echo "# GW_FUZZ=$count GW_FUZZ_SEED=$seed"
LAB_LIMITS='answer_timeout_ms = 2000; hello_timeout_ms = 1000; handshake_timeout_ms = 2000; cer_timeout_ms = 1000;'
LAB_T4='timeout_ms = 1500;'
lab_make "$case_dir/lab" || exit 1
# Of both nodes, the one that nordtrack's requests go to, and nobody else's.
mad=iwf9.inside.$lab_realm
lab_port; mad_port=$lab_free_port
LAB_NODES_MORE=", { host = \"$mad\"; realm = \"$lab_realm\"; address = \"127.0.0.1\"; port = $mad_port; }"
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	default = { after_ms = 300; };
END
lab_devices wake
lab_sql <<-END
	UPDATE scs SET rate_per_s = 1000000, burst = 1000000, quota = NULL, enabled = 1, valid_until_ms = NULL;
	INSERT OR REPLACE INTO scs_gateway (scs_id, connections) SELECT id, 4 FROM scs WHERE name = 'oldfleet';
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x
	  WHERE s.name <> 'acme' AND x.ext_id = 'wake@iot.example.com';
END
lab_spawn mad "$(lab_tool tests/system/gw_fuzz)" node "$mad_port" "$LAB/pki" "$mad" "$lab_realm" "$seed"
lab_start || exit 1
scs scs.acme.example trigger --ext-id wake@iot.example.com --payload x >/dev/null
door=$(cat "$LAB/door.pid")
child=$(pgrep -P "$door")
fds() { ls "/proc/$1/fd" | wc -l; }
sleep 0.5
door_fds=$(fds "$door") child_fds=$(fds "$child")

"$(lab_tool tests/system/gw_fuzz)" scs "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" "$seed" "$count" \
	"$lab_node" "$mad" >"$LAB/fuzz.out" 2>&1
is "all of it is answered, nothing twice, no name of a node is told, and a good SCS is served" \
	"$? $(grep -v '^#' "$LAB/fuzz.out" | head -60)" "0 "
grep '^#' "$LAB/fuzz.out"
lab_kill mad
is "the mad node gets an answer to each of its requests" "$?" 0
cat "$LAB/mad.log"
is "it is the same gateway" "$(cat "$LAB/door.pid") $(pgrep -P "$(cat "$LAB/door.pid")")" "$door $child"
as_before() { [ "$(fds "$door")" -le "$door_fds" ] && [ "$(fds "$child")" -le "$child_fds" ]; }
lab_wait 20 as_before
is "no descriptor is left" "$(as_before || ls -l "/proc/$door/fd" "/proc/$child/fd")" ""
status=$(lab_door_status)
is "nothing is under way, nobody is connected" \
	"$(grep -E '^iwf_gw_(in_flight|connections_open|connections_half_open) ' <<<"$status" | tr '\n' ' ')" \
	"iwf_gw_connections_open 0 iwf_gw_connections_half_open 0 iwf_gw_in_flight 0 "
is "the good node has been connected all the time" "$(grep -c "node $lab_node is not connected" "$LAB/door.log")" 0
works "the audit's chain is whole" iwfctl audit verify
lab_door_stop
is "the gateway ends cleanly" $? 0
lab_node_stop
is "the node ends cleanly" $? 0
case_end
