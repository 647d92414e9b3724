#!/bin/bash
# A live node among enemies: an SCS, an HSS and an SMS-SC whose messages are mutated, answers that come twice, late, for
# others or never, an SMS-SC and an HSS that die and that stop reading; and one SCS that has to be served throughout.
#
#   FUZZ_START      the number that every message follows from; a new one each time, and printed
#   FUZZ_MESSAGES   how many, of the SCS and of the two inside together
#
# What there is little or nothing of, because freeDiameter answers it by closing the connection: messages whose AVPs cannot be told
# apart (one in a hundred of the SCS's), and commands of the base protocol.  An SCS whose connection has just broken may lose answers
# to what it sends at once on the next one; that is not held against the node.
. "$SRC/tests/system/case.sh"
case_begin
FUZZ_START=${FUZZ_START:-$((RANDOM << 15 | RANDOM))}
export FUZZ_START
FUZZ_MESSAGES=${FUZZ_MESSAGES:-$([ -n "${SANITIZE:-}" ] && echo 100000 || echo 30000)}
echo "# FUZZ_START=$FUZZ_START FUZZ_MESSAGES=$FUZZ_MESSAGES"

LAB_IDENTITY=local-then-hss
LAB_S6M='timeout_ms = 1000;' LAB_T4='timeout_ms = 1000;' LAB_NOTIFY='timeout_ms = 1000;'
lab_make "$case_dir/lab" || exit 1
lab_sql <<-END
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
	  SELECT s.id, d.id, 1, 1, 1 FROM scs s, subscription d WHERE s.name = 'nordtrack' AND d.imsi = '001010000000005';
	UPDATE scs SET rate_per_s = 100000, burst = 100000;
END
# Ports of their own, so that the node finds whoever takes the place of another.
for role in hss smssc; do
	lab_port
	echo "$lab_free_port" >"$LAB/$role.port"
	sed -i "s/port = 0;/port = $lab_free_port;/" "$LAB/sim-$role.conf"
done
fuzz=$(lab_tool tests/system/fuzz_node)
evil() { lab_spawn "$1" lab_sanitized "$fuzz" "$1" "$(sed -n 's/.* port = \([0-9]*\);.*/\1/p' "$LAB/sim-$1.conf" | head -1)" "$LAB/$1.count"; }
sent() { od -An -tu8 "$LAB/hss.count" "$LAB/smssc.count" | awk '{ for (i = 1; i <= NF; i++) n += $i } END { print n + 0 }'; }
evil hss
evil smssc
lab_node_start || exit 1
lab_spawn heart lab_sanitized "$fuzz" heart "$lab_node_secport" "$LAB/pki"
lab_wait 20 grep -q '^open' "$LAB/heart.log" || { lab_die "the heartbeat does not connect"; exit 1; }
lab_spawn attacker lab_sanitized "$fuzz" scs "$lab_node_secport" "$LAB/pki" $((FUZZ_MESSAGES / 4))

# While it goes on the two inside die, in the middle of whatever it is, and are deaf for longer than anybody waits for their answers.
enough() { ! lab_alive attacker && [ "$(sent)" -ge $((FUZZ_MESSAGES * 3 / 4)) ]; }
turn=0
while lab_alive node && lab_alive heart && ! enough; do
	sleep 2
	turn=$((turn + 1))
	victim=smssc
	[ $((turn % 4)) -lt 2 ] || victim=hss
	if [ $((turn % 2)) = 0 ]; then
		lab_kill $victim KILL 2>/dev/null
		evil $victim
	else
		kill -STOP "$(cat "$LAB/$victim.pid")"
		sleep 1.5
		kill -CONT "$(cat "$LAB/$victim.pid")"
	fi
done
works "the node is there after all that" lab_alive node
lab_kill heart
is "the SCS that has its right was served throughout" $? 0
sed 's/^/# /' "$LAB/heart.log"
lab_alive attacker && { case_not_ok "the attacker is through"; lab_kill attacker; }
is "nobody was answered twice, or not at all, or told an IMSI" "$(grep -A30 '^fault' "$LAB/attacker.log")" ""
n=$(($(sed -n 's/^sent: //p' "$LAB/attacker.log") + $(sent)))
echo "# $n messages, of which $(sed -n 's/^sent: //p' "$LAB/attacker.log") of the SCS; $turn times somebody inside died or was deaf"
is "as many messages as there should be" $((n >= FUZZ_MESSAGES)) 1

# With honest people in their places it is as if nothing had been.
lab_kill hss; lab_kill smssc
mark=$(wc -l <"$LAB/node.log")
lab_hss_start && lab_smssc_start || exit 1
back() { lab_node_up "$mark"; }
lab_wait 30 back || case_not_ok "the honest HSS and SMS-SC are found"
is "a trigger is delivered" \
	"$(scs scs.acme.example trigger --ext-id meter1@iot.example.com --wait-report --json | jq -r 'select(.type == "report") | .outcome')" SUCCESS
is "and one that the HSS has to be asked for" \
	"$(scs scs.acme.example trigger --ext-id meter1@far.example.com --wait-report --json | jq -r 'select(.type == "report") | .outcome')" SUCCESS
works "the audit's chain is whole" iwfctl audit verify
is "no IMSI of the HSS is in the node's log" "$(grep -c 262019876543210 "$LAB/node.log")" 0
lab_node_stop
is "the node ends cleanly" $? 0
case_end
