#!/bin/bash
# The gateway under attack: gw_attack does one thing after the other, while a good
# SCS sends its requests and must not notice, and nothing may be left behind.
LAB_DOOR=yes
. "$SRC/tests/system/case.sh"
. "$SRC/tests/system/good.sh"
case_begin
exec </dev/null
LAB_LIMITS="half_open = 60; half_open_per_source = 30; source_rate_per_s = 50; source_burst = 400;
	hello_timeout_ms = 1000; handshake_timeout_ms = 2000; cer_timeout_ms = 1000; message_max = 131072; queue_max = 262144;
	stall_timeout_ms = 1000; audit_per_s = 5; audit_burst = 10;"
LAB_NOTIFY='timeout_ms = 1000;'
lab_make "$case_dir/lab" || exit 1
lab_devices raw
lab_sql "INSERT INTO \"authorization\" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x WHERE s.name = 'nordtrack' AND x.ext_id = 'raw@iot.example.com';
	INSERT INTO scs_gateway (scs_id, connections) SELECT id, 10 FROM scs WHERE name = 'nordtrack'"
lab_start || exit 1

trap 'good_drop; lab_stop; rm -rf "$case_dir"' EXIT
good_on || exit 1

door_pid=$(pgrep -P "$(cat "$LAB/door.pid")")
door_memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$door_pid/status"; }
door_fds() { local f=("/proc/$door_pid/fd"/*); echo ${#f[@]}; }
counter() { local n; n=$(lab_door_status | sed -n "s/^iwf_gw_$1 //p"); echo "${n:-0}"; }
refused() { counter "refused_total{reason=\"$1\"}"; }
requests_refused() { counter "requests_refused_total{reason=\"$1\"}"; }
all_gone() { [ "$(counter connections_half_open)" = 0 ] && [ "$(counter connections_open)" = 1 ]; }
audited() { [ "$(lab_sql "SELECT count(*) FROM audit WHERE reason = '$1'")" -gt 0 ]; }

# attack CASE NAME [COUNTER REASON]: the case, the good SCS after it, and that the counter of that reason has grown.
attack() {
	local out status before was=0
	before=$(good_ones)
	[ -z "$3" ] || was=$("$3" "$4")
	out=$("$(lab_tool tests/system/gw_attack)" "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" "$1" 2>&1)
	status=$?
	is "$2${out:+ ($out)}" $status 0
	if ! lab_wait 20 all_gone || ! lab_wait 10 good_more "$before"; then
		case_not_ok "it leaves nothing open, and the good SCS goes on" "$(lab_door_status | grep connections)" "$(tail -3 "$LAB/good.log")"
	fi
	[ -z "$3" ] || works "it is counted as $4" test "$("$3" "$4")" -gt "$was"
}

# Once through all that allocates, then what is held is compared.
"$(lab_tool tests/system/gw_attack)" "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" framing >/dev/null
"$(lab_tool tests/system/gw_attack)" "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" nested >/dev/null
lab_wait 20 all_gone
rss=$(door_memory VmRSS) fds=$(door_fds)

attack silent "300 silent connections from one address: 30 may wait, another address gets in" refused half-open
attack silent-many "300 silent connections from 300 addresses: 60 may wait" refused half-open
attack hello-silent "a ClientHello, then nothing" refused handshake-slow
attack hello-trickled "a ClientHello octet by octet" refused handshake-slow
attack strangers "HTTP, Diameter without TLS, garbage, a ClientHello of 16 MB" refused handshake
attack storm "connecting and disconnecting as fast as can be" refused source-rate
attack no-cer "a handshake without a CER" refused handshake-slow
attack cer-trickled "a CER octet by octet" refused handshake-slow
attack before-cer "a request before the CER" refused framing
attack impostor "a CER under another's name, or one of the inside: refused, closed" refused cert-name
attack second-cer "a second CER, with another name: 5012"
attack framing "wrong versions and lengths: closed" counter 'closed_total{by="framing"}'
attack too-long "a message above message_max: 5015, closed" counter 'closed_total{by="size"}'
attack avp-lengths "AVP lengths that lie: answered, the connection stays"
attack inside "lies about lengths and AVPs twice, where only the node looks: answered"
attack never-reads "requests without reading the answers: cut off" counter 'closed_total{by="stalled"}'
attack reads-slowly "requests and reading one answer in four: cut off" counter 'closed_total{by="stalled"}'
sleep 2
journal=$(lab_sql "SELECT count(*) FROM device_trigger t, scs s WHERE s.id = t.scs_id AND s.name = 'nordtrack'")
was=$(requests_refused rate) begun=$SECONDS
attack flood "a flood at 50 times the rate" requests_refused rate
works "most of it ends at the gateway" test $(($(requests_refused rate) - was)) -gt 2000
works "the node has seen no more than rate and burst" \
	test $(($(lab_sql "SELECT count(*) FROM device_trigger t, scs s WHERE s.id = t.scs_id AND s.name = 'nordtrack'") - journal)) -lt $((40 + 20 * (SECONDS - begun + 2)))
sleep 1
attack dwr-storm "20,000 DWRs"
attack many-avps "1,000 to 16,000 AVPs in a message: 5015 above what the node takes"
attack nested "groups 100 to 10,000 deep"
attack long-texts "texts of 60,000 octets"
attack others-name "another's Origin-Host or Origin-Realm: 5003" requests_refused origin-not-proven
attack answers "answers to nobody"
attack false-reports "wrong answers to reports, each twice"
attack commands "DNR, SIR, DRR and others: 3001, 3007" requests_refused command
attack loop "Route-Record with the gateway's own name: 3005" requests_refused loop
attack after-dpr "a DPR, then requests"
attack alerts "TLS alerts"
attack broken-records "what is no TLS, in the middle of a connection"
attack half-closed "connections closed on one side"
lines=$(wc -l <"$LAB/door.log") rows=$(lab_sql "SELECT count(*) FROM audit") begun=$SECONDS
attack malformed "50,000 requests that are refused"
may=$((5 * (SECONDS - begun + 1) + 10 + 20))
works "the log does not grow with them" test $(($(wc -l <"$LAB/door.log") - lines)) -lt $may
works "nor the node's with what came so far" test "$(wc -l <"$LAB/node.log")" -lt 5000
works "nor does the audit" test $(($(lab_sql "SELECT count(*) FROM audit WHERE decision = 'refused'") - rows)) -lt $may

for r in half-open handshake-slow handshake source-rate framing message-size slow-reader rate origin-not-proven command loop; do
	works "the audit has $r" audited "$r"
done
for r in half-open handshake-slow handshake source-rate rate origin-not-proven command loop; do
	works "the log has $r" grep -q "refused: .* ($r) " "$LAB/door.log"
done
works "and why connections ended" grep -q 'nordtrack.example is not connected: framing: a message of .* is too long' "$LAB/door.log"
works "also those of slow readers" grep -q 'nordtrack.example is not connected: .* octets wait for' "$LAB/door.log"
is "and whom an impostor claimed to be" "$(lab_sql "SELECT count(*) > 0 FROM audit WHERE reason = 'origin-not-proven' AND peer = 'scs.nordtrack.example' AND origin_host = 'scs.acme.example'")" 1
works "the audit's chain is whole" iwfctl audit verify

# ---- afterwards
lab_wait 20 all_gone
is "no descriptor is left" "$(door_fds)" "$fds"
echo "door: $rss KiB before, $(door_memory VmRSS) KiB after, $(door_memory VmHWM) KiB at most"
if [ -z "${SANITIZE:-}" ]; then
	works "memory is what it was, but for 4 MiB" test "$(door_memory VmRSS)" -lt $((rss + 4096))
	works "and never was 16 MiB more" test "$(door_memory VmHWM)" -lt $((rss + 16384))
fi
is "it is still the same process" "$(pgrep -P "$(cat "$LAB/door.pid")")" "$door_pid"
good_off
lab_door_stop
is "the gateway ends cleanly" $? 0
case_end
