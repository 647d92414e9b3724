#!/bin/bash
# The node, its SMS-SC and its HSS, killed at any moment while two SCSs send
# triggers: what the SCSs were told, what the SMS-SC took and what the journal
# says are one story at the end.  Nothing accepted is lost, nothing is delivered
# twice, every report gets to its SCS.
#
#   KILLS=N       how often (12; some two seconds each)
#   KILL_SEED=N   the same order and pauses again
LAB_IDENTITY=local-then-hss LAB_T4='timeout_ms = 1500;' LAB_S6M='timeout_ms = 1500; cache_age_s = 0;' LAB_FD_EXTRA='TcTimer = 1;'
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
trap 'drive_off; lab_stop; rm -rf "$case_dir"' EXIT
drive_burst=${KILL_BURST:-3}
. "$SRC/tests/system/drive.sh"
kinds="node smssc hss node+smssc node+hss node+smssc+hss"
kills=${KILLS:-12}
seed=${KILL_SEED:-$(($(date +%s) % 32768))}
echo "# KILLS=$kills KILL_SEED=$seed"

lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
# Ports of their own, so that they are found again; answers that take a while, so that there is always something under way.
for n in hss smssc; do lab_port; echo "$lab_free_port" >"$LAB/$n.port"; done
cat >"$LAB/sim-hss.conf" <<-END
	identity = "hss.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $(cat "$LAB/hss.port");
	subscribers = ( $(for i in 0 1 2 3; do
		echo "$([ $i = 0 ] || echo ,){ imsi = \"00101000000090$i\"; ext_id = \"d$((i + 4))@far.example.com\";"
		echo "  delay_ms = $((i * 20)); serving_node = { msc_number = \"491710000001\"; }; }"
	done) );
END
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $(cat "$LAB/smssc.port");
	store_file = "$LAB/smssc.book"; drr_timeout_ms = 1000; drr_retries = 1000;
	default = { delay_ms = 40; after_ms = 300; };
	devices = ( { ext_id = "d1@iot.example.com"; delay_ms = 0; after_ms = 0; }, { ext_id = "d2@iot.example.com"; delay_ms = 200; after_ms = 20; } );
END
lab_devices d0 d1 d2 d3
lab_sql <<-END
	UPDATE scs SET rate_per_s = 100000, burst = 100000;
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x
	  WHERE s.name = 'nordtrack' AND x.ext_id LIKE 'd_@iot.example.com';
	INSERT INTO "authorization" (scs_id, domain, may_trigger) SELECT id, 'far.example.com', 1 FROM scs WHERE name = 'nordtrack';
END

# Four devices of our tables, four that only the HSS knows.
request() {
	local d=$(($1 % 8)) domain=iot
	[ $d -lt 4 ] || domain=far
	echo "trigger --ext-id d$d@$domain.example.com --reference $1 --e2e $1 --payload x ${2:-}"
}

spawn() {
	case $1 in
	node) lab_spawn node lab_host -c "$LAB/freeDiameter.conf";;
	*) lab_spawn "$1" "$(lab_tool "sim-$1")" --config "$LAB/sim-$1.conf" --json;;
	esac
}
exec {tick}<> <(:)
a_while() { read -r -t "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))" -u "$tick"; }
hit() {
	local victims=${1//+/ } n
	{
		for n in $victims; do kill -KILL "$(cat "$LAB/$n.pid")"; done
		for n in $victims; do wait "$(cat "$LAB/$n.pid")"; done
	} 2>/dev/null
	a_while $((RANDOM % 300))
	for n in $victims; do spawn "$n"; done
}
ok='and .status == "SUCCESS"'
taken() { [ "$(grep -c ^take "$LAB/smssc.book")" -ge "$1" ]; }
# From now on triggers arrive.
served() { works "$1" lab_wait 40 taken $(($(grep -c ^take "$LAB/smssc.book") + 20)); }

lab_write_fd_conf
for n in hss smssc node; do spawn $n; done
lab_wait "${LAB_START_WAIT:-20}" lab_node_up 0
drive_on acme $acme 1000000
drive_on nord $nord 2000000
served "both SCSs are served"
RANDOM=$seed
i=0
while [ $i -lt "$kills" ]; do
	for k in $(for k in $kinds; do echo "$RANDOM $k"; done | sort -n | cut -d' ' -f2); do
		[ $i -lt "$kills" ] || break
		i=$((i + 1))
		hit "$k"
		a_while $((RANDOM % 2500))
		[ $((i % 10)) != 0 ] || served "after $i kills triggers arrive"
	done
done
served "after all, triggers arrive"
drive_off

# ---- three books -------------------------------------------------------------------

journal() { lab_sql "SELECT reference FROM device_trigger WHERE $1 ORDER BY CAST(reference AS TEXT)"; }
book() { awk -v word="$1" '$1 == "take" { reference[$2] = $4 } $1 == word { print reference[$2] }' "$LAB/smssc.book" | sort; }
count() { wc -l | tr -d ' '; }
for who in acme nord; do
	drive_log $who answer "$ok" | sort -u >"$LAB/$who.accepted"
	drive_log $who report | sort -u >"$LAB/$who.reported"
	echo "# $who: $(sort -u "$LAB/$who.sent" | count) requests, sent $(count <"$LAB/$who.sent") times in $(grep -c '"connected"' "$LAB/$who.log")" \
		"connections; accepted $(count <"$LAB/$who.accepted"), later $(drive_log $who answer 'and .status == "TEMPORARYERROR"' | sort -u | count)," \
		"reports of $(count <"$LAB/$who.reported"), some twice: $(drive_log $who report 'and .t_flag' | count) with the T flag"
	works "$who: many are accepted" test "$(count <"$LAB/$who.accepted")" -gt $((kills * 2))
	is "$who: each request has been answered" "$(cat "$LAB/$who.open")" ""
	is "$who: with success or try again" "$(drive_log $who answer "$drive_answered and .status != \"SUCCESS\" and .status != \"TEMPORARYERROR\"")" ""
	is "$who: none more often than it was sent" "$(comm -23 <(drive_log $who answer | sort) <(sort "$LAB/$who.sent"))" ""
done
sort "$LAB/acme.accepted" "$LAB/nord.accepted" >"$LAB/accepted"
sort "$LAB/acme.reported" "$LAB/nord.reported" >"$LAB/reported"
book take >"$LAB/taken"; book over >"$LAB/over"; book told >"$LAB/told"
journal 1 >"$LAB/journal"; journal 'state = 5' >"$LAB/delivered"; journal 'state = 5 AND request_status = 0' >"$LAB/good"
dtrs() { jq -R "fromjson? | select(.type == \"dtr\" and ($1)) | .reference" "$LAB/smssc.log" | count; }
echo "# SMS-SC: took $(count <"$LAB/taken"), delivered $(count <"$LAB/over"), reports answered $(count <"$LAB/told");" \
	"asked with the T flag $(dtrs .t_flag) times, of which it knew $(dtrs .repeat)"
echo "# HSS: asked $(grep -c '"type":"sir"' "$LAB/hss.log") times"
echo "# journal: $(lab_sql "SELECT group_concat(n || ' in state ' || state, ', ') FROM (SELECT state, count(*) AS n FROM device_trigger GROUP BY state)")"
lost=$(sort -u <(comm -23 "$LAB/accepted" <(uniq "$LAB/taken")) <(comm -23 "$LAB/accepted" "$LAB/good"))
twice=$(uniq -d "$LAB/taken")
unheard=$(sort -u <(comm -23 "$LAB/over" "$LAB/reported") <(comm -23 "$LAB/accepted" "$LAB/reported") <(comm -23 "$LAB/delivered" "$LAB/reported"))
echo "# after $kills kills: $(count <"$LAB/accepted") accepted; lost: $(printf %s "$lost" | grep -c .)," \
	"delivered twice: $(printf %s "$twice" | grep -c .), reports that did not reach the SCS: $(printf %s "$unheard" | grep -c .)"
is "nothing accepted is lost" "$lost" ""
is "nothing is delivered twice" "$twice" ""
is "every report has reached its SCS" "$unheard" ""
is "what the SMS-SC delivered is what the journal says" "$(comm -3 "$LAB/over" "$LAB/delivered")" ""
is "the SMS-SC has been told of each that we know of it" "$(comm -3 "$LAB/over" "$LAB/told")" ""
is "one row each" "$(uniq -d "$LAB/journal")" ""
is "none is left half done, no report waits" "$(lab_sql 'SELECT count(*) FROM device_trigger WHERE state <= 4') $(lab_sql 'SELECT count(*) FROM outbox')" "0 0"
works "the HSS was asked" grep -q '"type":"sir"' "$LAB/hss.log"
works "the audit's chain is whole" iwfctl audit verify
lab_node_stop
is "the node ends cleanly" $? 0
case_end
