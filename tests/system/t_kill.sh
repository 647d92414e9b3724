#!/bin/bash
# The node, its SMS-SC and its HSS, killed at any moment while two SCSs send
# triggers: what the SCSs were told, what the SMS-SC took and what the journal
# says are one story at the end.  Nothing accepted is lost, nothing is delivered
# twice, every report gets to its SCS.
#
#   KILLS=N       how often (12; some two seconds each)
#   KILL_SEED=N   the same order and pauses again
LAB_IDENTITY=local-then-hss LAB_T4='timeout_ms = 1500;' LAB_S6M='timeout_ms = 1500; cache_age_s = 0;' LAB_FD_EXTRA='TcTimer = 1;'
LAB_TMP=   # on a disk
LAB_LEAKS=0   # it has to be quick
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
trap 'drive_off; lab_stop; rm -rf "$case_dir"' EXIT
drive_burst=${KILL_BURST:-3}
. "$SRC/tests/system/drive.sh"
. "$SRC/tests/system/books.sh"
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
	UPDATE scs SET rate_per_s = 100000, burst = 100000, quota = NULL;
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

books_compare "$kills kills"
echo "# HSS: asked $(grep -c '"type":"sir"' "$LAB/hss.log") times"
works "the HSS was asked" grep -q '"type":"sir"' "$LAB/hss.log"
lab_node_stop
is "the node ends cleanly" $? 0
case_end
