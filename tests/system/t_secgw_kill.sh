#!/bin/bash
# The MTC Security Gateway and two nodes that share a store, killed and stopped
# at any moment while two SCSs send triggers: nothing that was accepted is lost,
# nothing is delivered or answered twice, and there is always an answer.
#
#   GW_KILLS=N       how often (7: each kind once)
#   GW_KILL_SEED=N   the same order and pauses again
LAB_DOOR=yes
LAB_LEAKS=0   # it has to be quick
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
trap 'drivers_stop; lab_kill node2 >/dev/null 2>&1; lab_stop; rm -rf "$case_dir"' EXIT
LAB_LIMITS='answer_timeout_ms = 20000;'
LAB_T4='timeout_ms = 8000;'
kinds="door keeper node node2 both stop restart"
kills=${GW_KILLS:-7}
seed=${GW_KILL_SEED:-$(($(date +%s) % 32768))}
echo "# GW_KILLS=$kills GW_KILL_SEED=$seed"

lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
node2=iwf2.inside.$lab_realm
lab_port; node2_port=$lab_free_port
lab_port; node2_secport=$lab_free_port
"$SRC/conf/make-certs.sh" "$LAB/pki" "$node2" >>"$LAB/pki.log" 2>&1
LAB_NODES_MORE=", { host = \"$node2\"; realm = \"$lab_realm\"; address = \"127.0.0.1\"; port = $node2_port; }"
# An answer takes a while, so that there is always something under way.
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	drr_timeout_ms = 1000; drr_retries = 60;
	default = { delay_ms = 60; after_ms = 300; };
	devices = ( { ext_id = "late@iot.example.com"; delay_ms = 3000; after_ms = 3500; } );
END
lab_devices late d0 d1 d2 d3
lab_sql <<-END
	UPDATE scs SET rate_per_s = 100000, burst = 100000;
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x
	  WHERE s.name = 'nordtrack' AND (x.ext_id LIKE 'd_@iot.example.com' OR x.ext_id = 'late@iot.example.com');
END

# ---- the nodes and the gateway -----------------------------------------------------

node_conf() {
	lab_write_fd_conf
	sed -e "s/$lab_node/$node2/g" -e "s/^Port = .*/Port = $node2_port;/" -e "s/^SecPort = .*/SecPort = $node2_secport;/" \
		"$LAB/freeDiameter.conf" >"$LAB/freeDiameter-node2.conf"
	cp "$LAB/freeDiameter.conf" "$LAB/freeDiameter-node.conf"
}
host_of() { if [ "$1" = node ]; then echo "$lab_node"; else echo "$node2"; fi; }
other_than() { if [ "$1" = node ]; then echo node2; else echo node; fi; }
serves() { tail -n +$(($2 + 1)) "$LAB/$1.log" | grep -q "acl.*smssc.$lab_realm is connected"; }
node_start() {
	local mark=0
	[ ! -f "$LAB/$1.log" ] || mark=$(wc -l <"$LAB/$1.log")
	lab_spawn "$1" lab_host -c "$LAB/freeDiameter-$1.conf"
	lab_wait "${LAB_START_WAIT:-20}" serves "$1" "$mark" && lab_alive "$1" || lab_die "$1 does not start: $(tail -3 "$LAB/$1.log")"
}
inside_up() { lab_door_status | grep -q "^iwf_gw_node_up{node=\"$(host_of "$1")\"} 1"; }
gone() { ! lab_alive "$1"; }
door_child() { pgrep -P "$(cat "$LAB/door.pid")"; }

# ---- the SCSs ----------------------------------------------------------------------

# What is asked for under a number is always the same, so that it can be sent again.
request() { echo "trigger --ext-id d$(($1 % 4))@iot.example.com --reference $1 --e2e $1 --payload x ${2:-}"; }
of_type() { jq -rR "fromjson? | select(.type == \"$2\" $3) | .reference" "$LAB/$1.log"; }
# Sent, and not answered with a Request-Status: 3002 and 3004 say that it should be sent again.
unanswered() { comm -23 <(sort -u "$LAB/$1.sent") <(of_type "$1" answer 'and .result_code == 2001' | sort -u); }
accepted() { of_type "$1" answer 'and .status == "SUCCESS"' | sort -u; }
unreported() { comm -23 <(accepted "$1") <(of_type "$1" report | sort -u); }
waiting() { lab_sql "SELECT reference FROM outbox WHERE dest_host = '$1'"; }
session() {
	rm -f "$LAB/$who.in"
	mkfifo "$LAB/$who.in"
	scs "$1" --json --timeout 20 script <"$LAB/$who.in" >>"$LAB/$who.log" 2>&1 &
	pid=$!
	exec {in}>"$LAB/$who.in"
	for n in $(unanswered "$who"); do tell "$n" --t-flag; done
}
tell() { request "$@" >&"$in" && echo "$1" >>"$LAB/$who.sent"; } 2>/dev/null
hang_up() { exec {in}>&-; wait "$pid"; }
# drive NAME HOST NUMBER: an SCS that connects again and again, and sends again what nobody has answered; about
# twenty requests a second until there is $LAB/enough, and then until it has heard of each.
drive() {
	local who=$1 ref=$3 pid in n round tick
	trap '' PIPE
	exec {tick}<> <(:)
	while [ ! -e "$LAB/enough" ]; do
		session "$2"
		while [ ! -e "$LAB/enough" ] && kill -0 "$pid" 2>/dev/null; do
			tell $((ref += 1))
			read -r -t 0.05 -u "$tick"
		done
		hang_up
	done
	for round in {1..15}; do
		[ -n "$(unanswered "$who")$(unreported "$who")$(waiting "$2")" ] || break
		session "$2"
		echo "sleep 2" >&"$in"
		hang_up
	done
}
drivers=
drive_on() { : >"$LAB/$1.log"; : >"$LAB/$1.sent"; drive "$@" & drivers="$drivers $!"; }
drivers_stop() { touch "$LAB/enough"; [ -z "$drivers" ] || wait $drivers; drivers=; }
answers() { of_type "$1" answer "$2" | wc -l; }
# more COUNT PREDICATE A N: each of both has so many more answers of that kind than A and N
more() { [ "$(answers acme "$2")" -ge $(($3 + $1)) ] && [ "$(answers nord "$2")" -ge $(($4 + $1)) ]; }
# served WHAT PREDICATE: from now on both get such answers
served() { works "$1" lab_wait 20 more 3 "$2" "$(answers acme "$2")" "$(answers nord "$2")"; }
ok='and .status == "SUCCESS"' none='and (.result_code == 3002 or .result_code == 3004)'

lab_hss_start && lab_smssc_start && node_conf && node_start node && node_start node2 && lab_door_start || exit 1
lab_wait 10 inside_up node
lab_wait 10 inside_up node2
works "both nodes are connected" test "$(inside_up node && inside_up node2 && echo yes)"

# ---- one request, and its node dies ------------------------------------------------

dtrs() { jq -cR "fromjson? | select(.type == \"dtr\" and .reference == $1) | [.origin_host, .t_flag, .repeat, .duplicate]" "$LAB/smssc.log" | tr '\n' ' '; }
asked() { [ -n "$(dtrs "$1")" ]; }
scs $acme --json --timeout 60 trigger --ext-id late@iot.example.com --reference 7 --payload x --wait-report=20 >"$LAB/one.log" &
one=$!
lab_wait 10 asked 7
first=node
case $(dtrs 7) in *"$node2"*) first=node2;; esac
second=$(other_than $first)
lab_kill $first KILL
works "its node dies while the SMS-SC thinks: it is accepted" lab_wait 10 grep -q '"status":"SUCCESS"' "$LAB/one.log"
works "the gateway counts it" test "$(lab_door_status | sed -n 's/^iwf_gw_retried_total //p')" = 1
node_start $first || exit 1
lab_wait 10 inside_up $first
wait $one
is "and the report comes" $? 0
is "the SMS-SC was asked again by the other node, with the T flag, and knew it" "$(dtrs 7)" \
	"[\"$(host_of $first)\",false,false,false] [\"$(host_of $second)\",true,true,false] "
is "one answer" "$(of_type one answer | wc -l)" 1
is "one row, delivered" "$(lab_sql "SELECT state, request_status FROM device_trigger WHERE reference = 7")" "5|0"

# ---- at any moment -----------------------------------------------------------------

# From now on a node that hangs is not waited for.
LAB_LIMITS='answer_timeout_ms = 3000;' lab_door_conf
lab_door_stop
lab_door_start || exit 1
lab_wait 10 inside_up node
lab_wait 10 inside_up node2
drive_on acme $acme 100000
drive_on nord $nord 200000
served "both SCSs are served" "$ok"
RANDOM=$seed
exec {tick}<> <(:)
a_while() { read -r -t "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" -u "$tick"; }
door_back() {
	lab_wait 10 gone door
	wait "$(cat "$LAB/door.pid")" 2>/dev/null
	rm -f "$LAB/door.pid"
	a_while $((RANDOM % 500))
	lab_door_start || exit 1
}
node_back() {
	node_start "$1" || exit 1
	lab_wait 15 inside_up "$1"
}
one_down() {
	lab_kill "$1" KILL
	served "$1 is killed: the other one serves" "$ok"
	node_back "$1"
}
hit() {
	case $1 in
	door) kill -KILL "$(door_child)"; door_back;;
	keeper) kill -KILL "$(cat "$LAB/door.pid")"; door_back;;
	node | node2) one_down "$1";;
	both)
		kill -KILL "$(cat "$LAB/node.pid")" "$(cat "$LAB/node2.pid")"
		lab_kill node
		lab_kill node2
		served "both nodes are killed: each is told so" "$none"
		node_back node
		node_back node2;;
	stop)   # it hangs, others do its work, and then it does it too
		kill -STOP "$(cat "$LAB/node.pid")"
		a_while $((3500 + RANDOM % 1000))
		kill -CONT "$(cat "$LAB/node.pid")";;
	restart)
		lab_door_stop
		lab_door_start || exit 1;;
	esac
	served "after $1 both SCSs are served" "$ok"
}
order=$(for k in $kinds; do echo "$RANDOM $k"; done | sort -n | cut -d' ' -f2)
i=0
while [ $i -lt "$kills" ]; do
	for k in $order; do
		[ $i -lt "$kills" ] || break
		i=$((i + 1))
		a_while $((RANDOM % 800))
		hit "$k"
	done
done
works "the gateway still counts, and nothing is under way for ever" test -n "$(lab_door_status | grep '^iwf_gw_in_flight')"
drivers_stop

# ---- who has what ------------------------------------------------------------------

journal() { lab_sql "SELECT reference FROM device_trigger WHERE reference >= 100000 $1 ORDER BY CAST(reference AS TEXT)"; }
for who in acme nord; do
	echo "# $who: $(sort -u "$LAB/$who.sent" | wc -l) requests sent $(wc -l <"$LAB/$who.sent") times in $(grep -c '"connected"' "$LAB/$who.log") connections;" \
		"$(accepted $who | wc -l) accepted, $(answers $who "$none") times told to try again, $(answers $who 'and .result_code == 2001 and .status != "SUCCESS"') not accepted"
	works "$who: many are accepted" test "$(accepted $who | wc -l)" -gt 50
	is "$who: each request has been answered" "$(unanswered $who)" ""
	is "$who: or its connection was lost: never silence" "$(grep -c 'no answer within' "$LAB/$who.log")" 0
	is "$who: none more often than it was sent" "$(comm -23 <(of_type $who answer | sort) <(sort "$LAB/$who.sent"))" ""
	is "$who: and never one that nobody waited for" "$(grep -c '"event":"late"' "$LAB/$who.log")" 0
	is "$who: no answer but those three" "$(answers $who 'and .result_code != 2001 and .result_code != 3002 and .result_code != 3004')" 0
	is "$who: nor any status but success and try again" "$(answers $who 'and .result_code == 2001 and .status != "SUCCESS" and .status != "TEMPORARYERROR"')" 0
	is "$who: each one accepted has been reported" "$(unreported $who)" ""
done
dtr_refs() { jq -rR "fromjson? | select(.type == \"dtr\" and .reference >= 100000 and ($1)) | .reference" "$LAB/smssc.log" | sort; }
{ accepted acme; accepted nord; } | sort >"$LAB/accepted"
is "the SMS-SC has each one accepted" "$(comm -23 "$LAB/accepted" <(dtr_refs '.repeat == false' | uniq))" ""
# That of a node that hangs may come behind the one with the T flag (RFC 6733 appendix C): then it has to look, not we.
is "it was asked without the T flag once each, at most" "$(dtr_refs '.t_flag == false' | uniq -d)" ""
is "and knew those with the T flag, if it had them" "$(dtr_refs '.t_flag and .duplicate')" ""
is "the journal has each one accepted, as accepted and delivered" "$(comm -23 "$LAB/accepted" <(journal 'AND request_status = 0 AND state = 5'))" ""
is "none twice" "$(journal | uniq -d)" ""
is "none is left half done, no report waits" "$(lab_sql 'SELECT count(*) FROM device_trigger WHERE state <= 4') $(lab_sql 'SELECT count(*) FROM outbox')" "0 0"
works "the audit's chain is whole" iwfctl audit verify
lab_door_stop
is "the gateway ends cleanly" $? 0
for n in node node2; do
	lab_kill $n
	is "$n ends cleanly" $? 0
done
case_end
