#!/bin/bash
# soak.sh - everything at once for a while, and nothing may grow: `make soak`, docs/OPERATING.md; a short form of it is
# tests/system/t_soak.sh.
#
# A gateway and a node; two SCSs that ask without pause, a third one that comes, triggers, recalls, replaces, hears of it
# and goes; devices imported again and again; HSS and SMS-SC restarted; the gateway's certificate renewed.  Meanwhile
# memory, descriptors and the write-ahead log are sampled.  At the end the books of all agree, the logs hold nothing that
# is not explained here, and the second quarter is compared with the last.
#
#   SOAK_SECONDS=600   how long
#   SOAK_BURST=3       requests of each of the two, some fifteen times a second
#   SOAK_SAMPLES=FILE  where the samples are kept, a line each: seconds, then KiB and descriptors of node, door and keeper,
#                      KiB of database and log
seconds=${SOAK_SECONDS:-600}
LAB_DOOR=yes
LAB_IDENTITY=local-then-hss LAB_T4='timeout_ms = 1500;' LAB_S6M='timeout_ms = 1500; cache_age_s = 0;' LAB_FD_EXTRA='TcTimer = 1;'
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
loops=
soak_off() {
	touch "$LAB/leave"
	drive_off
	[ -z "$loops" ] || wait $loops
	loops=
}
trap 'soak_off; lab_stop; rm -rf "$case_dir"' EXIT
drive_burst=${SOAK_BURST:-3}
. "$SRC/tests/system/drive.sh"

lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example guest=scs.oldfleet.example
for n in hss smssc; do lab_port; echo "$lab_free_port" >"$LAB/$n.port"; done
cat >"$LAB/sim-hss.conf" <<-END
	identity = "hss.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $(cat "$LAB/hss.port");
	subscribers = ( $(for i in 0 1 2 3; do
		echo "$([ $i = 0 ] || echo ,){ imsi = \"00101000000090$i\"; ext_id = \"d$((i + 4))@far.example.com\"; serving_node = { msc_number = \"491710000001\"; }; }"
	done) );
END
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = $(cat "$LAB/smssc.port");
	store_file = "$LAB/smssc.book"; drr_timeout_ms = 1000; drr_retries = 1000; supports_recall_replace = true;
	default = { after_ms = 300; };
	devices = ( { ext_id = "late@iot.example.com"; after_ms = 3600000; } );
END
lab_devices d0 d1 d2 d3 late
lab_sql <<-END
	UPDATE scs SET rate_per_s = 100000, burst = 100000, quota = NULL, enabled = 1, valid_until_ms = NULL;
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
	  SELECT s.id, x.subscription_id, 1, 1, 1 FROM scs s, external_id x
	  WHERE s.name IN ('nordtrack', 'oldfleet') AND (x.ext_id LIKE 'd_@iot.example.com' OR x.ext_id = 'late@iot.example.com');
	INSERT INTO "authorization" (scs_id, domain, may_trigger) SELECT id, 'far.example.com', 1 FROM scs WHERE name = 'nordtrack';
END
[ $? = 0 ] || exit 1

# Four devices of our tables, four that only the HSS knows.
request() {
	local d=$(($1 % 8)) domain=iot
	[ $d -lt 4 ] || domain=far
	echo "trigger --ext-id d$d@$domain.example.com --reference $1 --e2e $1 --payload x ${2:-}"
}
spawn() { lab_spawn "$1" "$(lab_tool "sim-$1")" --config "$LAB/sim-$1.conf" --json; }
exec {tick}<> <(:)
a_while() { read -r -t "$1" -u "$tick"; }
stays() { [ ! -e "$LAB/leave" ]; }

# ---- what goes on meanwhile

# The third SCS: each visit has a trigger that is recalled, one that is replaced and recalled then, and one that is delivered.
visits() {
	local n=3000000
	while stays; do
		{
			echo "trigger --ext-id late@iot.example.com --reference $n --payload a"
			echo "recall --ext-id late@iot.example.com --reference $n"
			echo "trigger --ext-id late@iot.example.com --reference $((n + 1)) --payload b"
			echo "replace --ext-id late@iot.example.com --old-reference $((n + 1)) --reference $((n + 2)) --payload c"
			echo "recall --ext-id late@iot.example.com --reference $((n + 2))"
			echo "trigger --ext-id d0@iot.example.com --reference $((n + 3)) --payload d"
			echo "wait-report $((n + 3)) 10"
		} | scs $guest --json --timeout 10 --outstanding 1 script >>"$LAB/guest.log" 2>&1
		n=$((n + 4))
	done
}
imports() {
	local n=0
	{
		echo imsi,msisdn,external_ids,enabled
		for n in {1..200}; do printf '0010200000%05d,49170000%05d,many%d@many.example.com,1\n' $n $n $n; done
	} >"$LAB/devices.csv"
	n=0
	while stays; do
		iwfctl device import "$LAB/devices.csv" --on-conflict update >"$LAB/import.out" 2>&1 || cat "$LAB/import.out" >>"$LAB/import.bad"
		echo $((n += 1)) >"$LAB/imports"
		a_while 1
	done
}
restarts() {
	local n=0 who pause=$((seconds / 30))
	while a_while $((pause > 8 ? pause : 8)); stays; do
		who=hss
		[ $((n % 2)) = 0 ] || who=smssc
		lab_kill $who >/dev/null
		a_while 0.5
		spawn $who
		echo $((n += 1)) >"$LAB/restarts"
	done
}
renewals() {
	local n=0 pause=$((seconds / 20))
	mkdir "$LAB/renewed"
	while a_while $((pause > 4 ? pause : 4)); stays; do
		rm -f "$LAB/renewed/$lab_iwf".*
		cp -r "$LAB/pki"/ca.* "$LAB/pki/dh.pem" "$LAB/renewed"
		"$SRC/conf/make-certs.sh" "$LAB/renewed" "$lab_iwf" >>"$LAB/pki.log" 2>&1
		mv "$LAB/renewed/$lab_iwf.key" "$LAB/renewed/$lab_iwf.crt" "$LAB/pki"
		kill -HUP "$(cat "$LAB/door.pid")"
		echo $((n += 1)) >"$LAB/renewals"
	done
}
loop() { "$@" & loops="$loops $!"; }

# ---- samples

sample() {
	local p fd out=$((SECONDS - begun))
	for p in $watched; do
		fd=("/proc/$p/fd"/*)
		out="$out $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$p/status") ${#fd[@]}"
	done
	echo "$out $(($(stat -c %s "$LAB_DB") / 1024)) $(($(stat -c %s "$LAB_DB-wal" 2>/dev/null || echo 0) / 1024))" >>"$LAB/samples"
}
# column N FROM TO: its median in that part of the time
column() {
	awk -v n="$1" -v from=$((seconds * $2 / 4)) -v to=$((seconds * $3 / 4)) '$1 >= from && $1 < to { print $n }' "$LAB/samples" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
highest() { awk -v n="$1" '$n > m { m = $n } END { print m + 0 }' "$LAB/samples"; }
# grew N: from the second quarter to the last
grew() { echo $(($(column "$1" 3 4) - $(column "$1" 1 2))); }

for n in hss smssc; do spawn $n; done
lab_node_start && lab_door_start || exit 1
node=$(cat "$LAB/node.pid") keeper=$(cat "$LAB/door.pid")
door=$(pgrep -P "$keeper")
watched="$node $door $keeper"
taken() { [ "$(grep -c ^take "$LAB/smssc.book")" -ge "$1" ]; }
drive_on acme $acme 1000000
drive_on nord $nord 2000000
works "triggers arrive" lab_wait 40 taken 20
for n in visits imports restarts renewals; do loop $n; done
begun=$SECONDS
while [ $((SECONDS - begun)) -lt "$seconds" ]; do
	sample
	a_while "$([ "$seconds" -lt 200 ] && echo 0.5 || echo 2)"
done
kill -0 "$node" "$door" "$keeper"
is "node, door and keeper are the same processes" $? 0
touch "$LAB/leave"
wait $loops
loops=
works "triggers still arrive" lab_wait 40 taken $(($(grep -c ^take "$LAB/smssc.book") + 20))
drive_off

# ---- three books

count() { wc -l | tr -d ' '; }
ok='and .status == "SUCCESS"'
journal() { lab_sql "SELECT reference FROM device_trigger WHERE reference < 3000000 AND $1 ORDER BY CAST(reference AS TEXT)"; }
book() { awk -v word="$1" '$1 == "take" { reference[$2] = $4 } $1 == word { print reference[$2] }' "$LAB/smssc.book" | sort; }
for who in acme nord; do
	drive_log $who answer "$ok" | sort -u >"$LAB/$who.accepted"
	drive_log $who report | sort -u >"$LAB/$who.reported"
	echo "# $who: $(sort -u "$LAB/$who.sent" | count) requests, accepted $(count <"$LAB/$who.accepted"), reports of $(count <"$LAB/$who.reported")"
	is "$who: each request has been answered" "$(cat "$LAB/$who.open")" ""
	is "$who: with success or try again" "$(drive_log $who answer "$drive_answered and .status != \"SUCCESS\" and .status != \"TEMPORARYERROR\"" | head)" ""
	is "$who: each one accepted has been reported" "$(comm -23 "$LAB/$who.accepted" "$LAB/$who.reported")" ""
done
sort "$LAB/acme.accepted" "$LAB/nord.accepted" >"$LAB/accepted"
journal 'state = 5 AND request_status = 0' >"$LAB/good"
book take | awk '$1 < 3000000' >"$LAB/taken"
is "the SMS-SC took each one accepted" "$(comm -23 "$LAB/accepted" <(uniq "$LAB/taken") | head)" ""
is "and none twice" "$(uniq -d "$LAB/taken" | head)" ""
is "the journal has each one as delivered" "$(comm -23 "$LAB/accepted" "$LAB/good" | head)" ""
is "no report waits" "$(lab_sql 'SELECT count(*) FROM outbox')" 0
guests() { jq -rR "fromjson? | select($1) | .reference" "$LAB/guest.log" | count; }
visited=$(grep -c '"connected"' "$LAB/guest.log")
echo "# $visited visits: $(guests '.type == "answer" and .status == "SUCCESS"') answers with success, $(guests '.type == "answer" and .status != "SUCCESS"')" \
	"others; $(cat "$LAB/imports") imports, $(cat "$LAB/restarts") restarts, $(cat "$LAB/renewals") certificates"
works "visitors recall, replace and hear of it" test "$(guests '.type == "report" and .outcome == "SUCCESS"')" -gt $((visited / 2))
is "the imports had nothing to complain of" "$(cat "$LAB/import.bad" 2>/dev/null)" ""
is "and all is in" "$(lab_sql "SELECT count(*) FROM subscription WHERE imsi LIKE '0010200000%'")" 200
works "HSS and SMS-SC were restarted, the certificate renewed" test "$(cat "$LAB/restarts")" -gt 1 -a "$(cat "$LAB/renewals")" -gt 1
works "the audit's chain is whole" iwfctl audit verify

# ---- flat

echo "# $(count <"$LAB/samples") samples; database $(column 8 1 2) KiB, then $(column 8 3 4)"
k=2
for p in node door keeper; do
	echo "# $p: $(column $k 1 2) KiB, then $(column $k 3 4), $(highest $k) at most; $(column $((k + 1)) 1 2) descriptors, then $(column $((k + 1)) 3 4)"
	# One more arena of malloc may come by chance; and who uses the database keeps some pages of what is new.
	may=4096
	[ $p = door ] || may=$((may + $(grew 8) / 8))
	[ -n "${SANITIZE:-}" ] || works "memory of the $p is flat" test "$(grew $k)" -le $may
	works "descriptors of the $p are" test "$(grew $((k + 1)))" -le 2
	k=$((k + 2))
done
# It begins anew at 48 MiB; an import or a reader may be in the way for a moment.
echo "# write-ahead log: $(highest 9) KiB at most"
works "the write-ahead log is bounded" test "$(highest 9)" -le 98304

# ---- nothing in the logs that is not explained

# Lines of trouble that are not one of these, one a line.
unexplained() {
	local log=$1 known
	shift
	known=$(printf '|%s' "$@")
	grep -E 'ERROR|FATAL|error[ :]|warn' "$LAB/$log.log" | grep -vE "${known#|}" | head -20
}
# lab_node_start has looked whether the port is open; a neighbour was away when it was to be asked, or has answered too late.
is "nothing else is in the node's log" "$(unexplained node \
	'gnutls_handshake.*The TLS connection was non-properly terminated' 'a stranger from \[127.0.0.1\]:.*TLS handshake failed' \
	'(SIR|DTR) not routed: No remaining suitable candidate' 'DRA not routed: Unable to forward answer to deleted / closed peer' \
	'warn: (SIR|DTR|SIA|DTA|DRA) discarded' \
	'ERROR in .(connect|fd_tcp_client|getsockopt)')" ""
# It may look between the new key and the new certificate.
is "nor in the gateway's" "$(unexplained door "the key .*/pki/$lab_iwf.key does not belong to the certificate")" ""
like "which has the last certificate in use" "$(grep "pki/$lab_iwf\." "$LAB/door.log" | tail -1)" "*is in use"
[ -z "${SOAK_SAMPLES:-}" ] || cp "$LAB/samples" "$SOAK_SAMPLES"
[ -z "${SOAK_KEEP:-}" ] || cp -r "$LAB" "$SOAK_KEEP"
lab_door_stop
is "the gateway ends cleanly" $? 0
lab_node_stop
is "the node ends cleanly" $? 0
case_end
