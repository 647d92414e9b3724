#!/bin/bash
# freeDiameter's own listener under the attacks of t_secgw_attack.sh, as an SCS meets it that is attached directly: what
# SECURITY.md says it stands is asserted; what it says it does not stand is done, told ("observed: ..."), and has to be over
# when the attacker leaves.  A good SCS that was there before must not notice any of it.
LAB_DOOR=no
# freeDiameter loses a CER whose connection closes while it is being let in (SECURITY.md, known limits).
LAB_LEAKS=0
. "$SRC/tests/system/case.sh"
. "$SRC/tests/system/good.sh"
case_begin
exec </dev/null
LAB_NOTIFY='timeout_ms = 1000;'
LAB_FD_EXTRA="$(grep '^ThreadsPerServer' "$BUILD/conf/freeDiameter.conf")"
lab_make "$case_dir/lab" || exit 1
lab_devices raw
lab_sql "INSERT INTO \"authorization\" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x WHERE s.name = 'nordtrack' AND x.ext_id = 'raw@iot.example.com'"
lab_start || exit 1
node_pid=$(cat "$LAB/node.pid")

trap 'good_drop; lab_stop; rm -rf "$case_dir"' EXIT
good_on || exit 1
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$node_pid/status"; }
fds() { local f=("/proc/$node_pid/fd"/*); echo ${#f[@]}; }
attack() {
	local out status before mark
	before=$(good_ones) mark=$(wc -l <"$LAB/good.log")
	out=$("$(lab_tool tests/system/gw_attack)" --node "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" "$1" 2>&1)
	status=$?
	is "$2${out:+ ($out)}" $status 0
	[ "$(cat "$LAB/node.pid")" = "$node_pid" ] && lab_alive node || case_not_ok "$1: the node is still there"
	lab_wait 30 good_more "$before" || case_not_ok "$1: the good SCS goes on" "$(tail -3 "$LAB/good.log")"
	case $out in *observed*) echo "observed: meanwhile the good SCS waited $(good_slowest "$mark") ms at most; the node has $(memory) KiB";; esac
}
audited() { [ "$(lab_sql "SELECT count(*) FROM audit WHERE reason = '$1'")" -gt 0 ]; }

# Once through all that allocates, then what is held is compared.
"$(lab_tool tests/system/gw_attack)" --node "$lab_scs_port" "$LAB/pki" "$lab_iwf" "$lab_realm" nested >/dev/null
rss=$(memory) fds=$(fds)

# ---- what holds
attack strangers "HTTP, Diameter without TLS, a ClientHello of 16 MB"
attack before-cer "a request before the CER: closed"
attack impostor "a CER under another's name, or one of the inside: refused, closed"
attack crowded "much behind a CER that is refused, under names of those that are there: closed, nobody is locked out"
is "and those are there as before" "$(grep -c "hss.$lab_realm is not connected\|smssc.$lab_realm is not connected\|acme.example is not connected" "$LAB/node.log")" 0
attack second-cer "a second CER, with another name: 5012"
attack framing "wrong versions and lengths: closed"
attack too-long "a message above 65,535 octets: closed"
attack avp-lengths "AVP lengths that lie: closed"
attack inside "lies about lengths and AVPs twice: answered"
attack dwr-storm "20,000 DWRs"
attack many-avps "1,000 to 16,000 AVPs in a message: answered, or closed above 65,535 octets"
attack nested "groups 100 to 10,000 deep"
attack long-texts "texts of 60,000 octets"
attack others-name "another's Origin-Host or Origin-Realm: 5003"
attack answers "answers to nobody"
attack false-reports "wrong answers to reports, each twice"
attack commands "DNR, SIR, DRR and others: refused"
attack loop "Route-Record with the node's own name: 3005"
attack after-dpr "a DPR, then requests"
attack alerts "TLS alerts"
attack broken-records "what is no TLS, in the middle of a connection"
attack half-closed "connections closed on one side"
sleep 2
attack flood "a flood at 50 times the rate: RATEEXCEEDED"
rows=$(lab_sql "SELECT count(*) FROM audit") lines=$(wc -l <"$LAB/node.log")
attack malformed "50,000 requests that are refused"
works "the audit has few rows of them" test $(($(lab_sql "SELECT count(*) FROM audit") - rows)) -lt 5000

attack never-reads "requests without reading the answers: its memory is bounded"
attack reads-slowly "requests and reading one answer in four: its memory is bounded"
[ -n "${SANITIZE:-}" ] || works "the node has not kept them" test "$(memory)" -lt $((rss + 65536))

# ---- what does not
attack storm "connecting and disconnecting as fast as can be: the node comes back"
attack silent "silent connections: the node comes back"

for r in handshake scs-unknown origin-not-proven malformed rate; do
	works "the audit has $r" audited "$r"
done
works "the audit's chain is whole" iwfctl audit verify

# ---- afterwards
no_more_fds() { [ "$(fds)" -le "$fds" ]; }
works "no descriptor is left" lab_wait 70 no_more_fds
echo "node: $rss KiB before, $(memory) KiB after; $(($(wc -l <"$LAB/node.log") - lines)) lines of log since the flood"
good_off
lab_node_stop
is "the node ends cleanly" $? 0
case_end
