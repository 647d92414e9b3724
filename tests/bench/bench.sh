#!/bin/bash
# bench.sh - what gateway and node take, each against a baseline in the same run: `make bench`, docs/PERFORMANCE.md.
#
#   BENCH_ROWS="idle handshakes triggers refused flood reconnect answer relay report devices"   which
#   BENCH_CONNECTIONS=10000 BENCH_RECONNECT=1000                     how many
#   BENCH_SECONDS=4 BENCH_ROUNDS=3                                   each measurement; rounds of A and B in turn
#   BENCH_REST=0                     seconds of rest before each row, the percentile at half of the peak and a round measured again:
#                                    hosts that lend a machine more than its share take it back
#   BENCH_STOLEN=1                   percent that the host may take of a round of the node's rows, or it is measured again
#
# Prints a table, writes bench.json in the working directory.  Asserts nothing about times; fails only if something
# could not be measured.
set -u
: "${SRC:?}" "${BUILD:?}"
LAB_DOOR=yes
. "$SRC/tests/system/lab.sh"
. "$SRC/tests/bench/node.sh"
LAB_TSP="direct_outside = true;" LAB_CONF='trust = { scs_ca = "pki/ca.crt"; };'
all_rows="idle handshakes triggers refused flood reconnect answer relay report devices"
rows=${BENCH_ROWS:-$all_rows}
idle_n=${BENCH_CONNECTIONS:-10000} back_n=${BENCH_RECONNECT:-1000} secs=${BENCH_SECONDS:-4} rounds=${BENCH_ROUNDS:-3} stolen_max=${BENCH_STOLEN:-1} rest=${BENCH_REST:-0}
out=$PWD/bench.json
dir=$(mktemp -d "${TMPDIR:-/tmp}/iwf-bench.XXXXXX") || exit 1
trap 'for p in hold bare steady bare_answer bare_relay big few; do lab_kill $p >/dev/null 2>&1; done; lab_stop; [ -n "${BENCH_KEEP:-}" ] || rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
ulimit -n "$(ulimit -Hn)"
began=$(cut -d' ' -f1-3 /proc/loadavg)
die() { echo "bench: $*" >&2; exit 1; }
say() { echo "bench: $*" >&2; }
[[ $stolen_max =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "BENCH_STOLEN: '$stolen_max' is no percentage"
[[ $rest =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "BENCH_REST: '$rest' is no number of seconds"
for r in $rows; do
	case " $all_rows " in *" $r "*) ;; *) die "BENCH_ROWS: there is no row '$r'; there are: $all_rows" ;; esac
done

# ---- the network: SCSs 1 to 32 may trigger dev00001 to dev01000; the others have no grant; flood SCSs get 1 a second.
many=$((idle_n > 1000 + back_n ? idle_n : 1000 + back_n))
LAB_LIMITS="connections = 100000; connections_per_source = 100000; half_open = 20000; half_open_per_source = 20000;
	source_rate_per_s = 1000000; source_burst = 1000000; handshake_timeout_ms = 30000; cer_timeout_ms = 30000;
	in_flight_per_scs = 10000; ${BENCH_LIMITS:-}"
say "certificates and rows for $many SCSs"
lab_make "$dir" || exit 1
mkdir "$LAB/many"
"$BUILD/many_certs" "$LAB/many" "$LAB/pki/ca.crt" "$LAB/pki/ca.key" scs%05d.load.example 1 $many || exit 1
"$BUILD/many_certs" "$LAB/many" "$LAB/pki/ca.crt" "$LAB/pki/ca.key" flood%05d.load.example 1 16 || exit 1
load_scs() {
	cat <<-END
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $many)
	INSERT INTO scs (name, origin_host, origin_realm, rate_per_s, burst)
	  SELECT printf('scs%05d', i), printf('scs%05d.load.example', i), 'load.example', 1000000, 1000000 FROM n;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
	INSERT INTO scs (name, origin_host, origin_realm, rate_per_s, burst)
	  SELECT printf('flood%05d', i), printf('flood%05d.load.example', i), 'load.example', 1, 1 FROM n;
	INSERT INTO scs_identity (scs_id, e164, is_primary)
	  SELECT id, printf('49170%07d', id), 1 FROM scs WHERE origin_realm = 'load.example';
	INSERT INTO "authorization" (scs_id, domain, may_trigger) SELECT id, 'load.example.com', 1 FROM scs
	  WHERE origin_realm = 'load.example' AND (name BETWEEN 'scs00001' AND 'scs00032' OR name LIKE 'flood%');
	END
}
{ load_scs; cat <<END; } | lab_sql || exit 1
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO subscription (imsi, msisdn) SELECT printf('00101099%07d', i), printf('49160%07d', i) FROM n;
INSERT INTO external_id (ext_id, subscription_id)
  SELECT printf('dev%05d@load.example.com', CAST(substr(imsi, 9) AS INTEGER)), id FROM subscription WHERE imsi LIKE '00101099%'
  UNION ALL
  SELECT printf('dev%08d@load.example.com', CAST(substr(imsi, 9) AS INTEGER)), id FROM subscription WHERE imsi LIKE '00101099%';
END
lab_sql ".backup $LAB/few-begin.db"
sed -i 's/level = "info"/level = "notice"/' "$LAB/mtc-iwf.conf"      # as where it serves; so nothing tells of open connections
lab_node_up() { lab_alive node && (exec 3<>/dev/tcp/127.0.0.1/$lab_node_secport) 2>/dev/null; }
lab_start || exit 1
door=$(cat "$LAB/door.pid")
door=$(cat "/proc/$door/task/$door/children")
door=${door%% *}
keeper=$(cat "$LAB/door.pid")
[ -d "/proc/${door:-none}" ] || die "no door process"

bare_start() {
	rm -f "$LAB/bare.log"
	lab_spawn bare "$BUILD/bare_tls" "$LAB/pki/$lab_iwf.crt" "$LAB/pki/$lab_iwf.key" "$LAB/pki/ca.crt" "$(lab_tls_prio)"
	lab_wait 10 test -s "$LAB/bare.log" || die "bare_tls does not start"
	bare_port=$(head -1 "$LAB/bare.log")
}
bare_start

# load NAME PORT ARGS...: tsp-load as SCSs with certificates of their own; the summary is in $LAB/NAME.json.
load() {
	local name=$1 port=$2
	shift 2
	"$BUILD/tsp-load" --connect "127.0.0.1:$port" --insecure --json --watchdog 3600 --dest-realm "$lab_realm" \
		--origin-host "${LOAD_AS:-scs}%05d.load.example" --cert "$LAB/many/${LOAD_AS:-scs}%05d.load.example.crt" \
		--key "$LAB/many/key.pem" --ext-id dev%05d@load.example.com --devices 1-1000 "$@" >"$LAB/$name.json" 2>"$LAB/$name.err"
	local status=$?
	[ $status = 0 ] || say "$name: tsp-load ended with $status: $(tail -n 1 "$LAB/$name.json" | cut -c1-600) $(cat "$LAB/$name.err")"
	return $status
}
field() { jq -r "select(.type == \"summary\") | .$2 // 0" "$LAB/$1.json"; }
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
div() { awk -v a="$1" -v b="$2" -v f="${3:-%.2f}" 'BEGIN { if (b + 0) printf f, a / b; else print "-" }'; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
# What the host took of a virtual machine for itself, and all time, in ticks since the boot.
stolen() { awk '/^cpu / { for (i = 2; i <= NF; i++) all += $i; print $9, all; exit }' /proc/stat; }
stolen_since() { awk -v a="$1" -v b="$(stolen)" 'BEGIN { split(a, x); split(b, y); if (y[2] > x[2]) printf "%.1f", 100 * (y[1] - x[1]) / (y[2] - x[2]); else print 0 }'; }
ticks() { local p; for p in "$@"; do sed 's/.*) //' "/proc/$p/stat"; done | awk '{ n += $12 + $13 } END { print n }'; }

table=$LAB/table results=$LAB/results
: >"$table"; : >"$results"
# row NAME WHAT OURS BASELINE RATIO WANTED [MORE]
row() {
	printf '%-12s %-52s %14s %14s %8s  %-10s %s\n' "$1" "$2" "$3" "$4" "$5" "$6" "${7:-}" >>"$table"
	jq -n --arg row "$1" --arg what "$2" --arg ours "$3" --arg baseline "$4" --arg ratio "$5" --arg wanted "$6" --arg note "${7:-}" \
		'{row: $row, what: $what, ours: $ours, baseline: $baseline, ratio: $ratio, wanted: $wanted, note: $note}' >>"$results"
}

warm() { load warm "$lab_door_port" --count 1 2>/dev/null && [ "$(field warm result_2001_status_0)" = 1 ]; }
lab_wait 20 warm || die "no trigger comes through: $(cat "$LAB/warm.json")"

# ---- idle connections: resident memory of the process that holds them
hold_kb() {
	local name=$1 port=$2 pid=$3 before after
	before=$(rss "$pid")
	(LAB=$LAB; load "$name" "$port" --connections "$idle_n" --parallel 64 --hold 3600) &
	local helper=$! i
	for i in $(seq 3000); do
		grep -q '"type":"holding"' "$LAB/$name.json" 2>/dev/null && break
		kill -0 $helper 2>/dev/null || die "$name: the connections were not opened"
		sleep 0.1
	done
	sleep 1
	after=$(rss "$pid")
	kill $(cat /proc/$helper/task/$helper/children)
	wait $helper
	[ "$(field "$name" opened)" = "$idle_n" ] || say "$name: $(field "$name" opened) of $idle_n opened"
	held=$(div $((after - before)) "$idle_n" %.1f)
	held_s=$(div "$(field "$name" connect_ms)" 1000 %.1f)
}
bench_idle() {
	local gw bare gw_s
	hold_kb idle-gw "$lab_door_port" "$door"; gw=$held gw_s=$held_s
	hold_kb idle-bare "$bare_port" "$(cat "$LAB/bare.pid")"; bare=$held
	row idle "KB resident for each of $idle_n idle connections" "$gw KB" "$bare KB" "$(div "$gw" "$bare")" "<= 40 KB" \
		"baseline: GnuTLS alone; opened in $gw_s s, $held_s s"
}

# ---- handshakes: full, TLS 1.3, both certificates, and CER/CEA
bench_handshakes() {
	local i a=() b=() ca=() cb=() t0 t1 bare
	bare=$(cat "$LAB/bare.pid")
	for i in $(seq $((rounds + 2))); do
		t0=$(ticks "$door" "$keeper")
		load hs-gw "$lab_door_port" --handshakes --parallel 16 --duration "$secs"
		t1=$(ticks "$door" "$keeper")
		a+=("$(field hs-gw handshakes_per_s)"); ca+=("$(div $((1000 * (t1 - t0) / $(getconf CLK_TCK))) "$(field hs-gw opened)" %.3f)")
		t0=$(ticks "$bare")
		load hs-bare "$bare_port" --handshakes --parallel 16 --duration "$secs"
		t1=$(ticks "$bare")
		b+=("$(field hs-bare handshakes_per_s)"); cb+=("$(div $((1000 * (t1 - t0) / $(getconf CLK_TCK))) "$(field hs-bare opened)" %.3f)")
	done
	local ma mb mca mcb
	ma=$(printf '%s\n' "${a[@]}" | median) mb=$(printf '%s\n' "${b[@]}" | median)
	mca=$(printf '%s\n' "${ca[@]}" | median) mcb=$(printf '%s\n' "${cb[@]}" | median)
	row handshakes "full TLS 1.3 handshakes a second" "$ma" "$mb" "$(div "$ma" "$mb")" ">= 0.8" "baseline: GnuTLS alone"
	row handshakes "ms of server CPU for each (door and keeper)" "$mca" "$mcb" "$(div "$mca" "$mcb")" "" "ratio: lower is better"
}

# ---- requests: through the gateway, and over freeDiameter's own TLS
# requests ROW WHAT WANTED NOTE ARGS...
requests() {
	local name=$1 what=$2 wanted=$3 note=$4 i a=() b=() la=() lb=() status=${WANT_STATUS:-} n
	shift 4
	for i in $(seq "$rounds"); do
		load "$name-gw" "$lab_door_port" "$@" --duration "$secs"
		a+=("$(field "$name-gw" answers_per_s)"); la+=("$(field "$name-gw" latency_p99_us)")
		load "$name-fd" "$lab_node_secport" "$@" --duration "$secs"
		b+=("$(field "$name-fd" answers_per_s)"); lb+=("$(field "$name-fd" latency_p99_us)")
		for n in gw fd; do
			[ -z "$status" ] || [ "$(field "$name-$n" "result_2001_status_$status")" -gt $(($(field "$name-$n" answered) * 9 / 10)) ] ||
				say "$name-$n: the answers are not what was wanted: $(tail -n 1 "$LAB/$name-$n.json")"
		done
	done
	local ma mb
	ma=$(printf '%s\n' "${a[@]}" | median) mb=$(printf '%s\n' "${b[@]}" | median)
	row "$name" "$what" "$ma" "$mb" "$(div "$ma" "$mb")" "$wanted" \
		"$note; p99 $(div "$(printf '%s\n' "${la[@]}" | median)" 1000 %.1f) ms, $(div "$(printf '%s\n' "${lb[@]}" | median)" 1000 %.1f) ms"
}
bench_triggers() {
	WANT_STATUS=0 requests triggers "triggers a second, DAR to DAA, with the SMS-SC" ">= 1.0" "baseline: freeDiameter's TLS" \
		--connections 4 --outstanding 16
}
bench_refused() {
	WANT_STATUS=105 requests refused "refused for want of a grant, a second" ">= 1.0" "baseline: freeDiameter's TLS" \
		--first 101 --connections 4 --outstanding 16
}
bench_flood() {
	LOAD_AS=flood WANT_STATUS=109 requests flood "RATEEXCEEDED a second" ">= 5" "baseline: the node, by freeDiameter's TLS" \
		--connections 4 --outstanding 64
}

# ---- all come back while somebody works
p99_between() { awk -v a="$2" -v b="$3" '$1 >= a && $1 < b { print $2 }' "$1" | sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR * 99 + 99) / 100)]; else print 0 }'; }
bench_reconnect() {
	local i began ended back=() before=() during=() bare=()
	for i in $(seq "$rounds"); do
		local start
		start=$(date +%s%3N)
		load steady "$lab_door_port" --connections 4 --rate 200 --duration 14 --samples "$LAB/samples" &
		local steady=$!
		sleep 4
		local storm
		storm=$(date +%s%3N)
		load back "$lab_door_port" --first 1001 --connections "$back_n" --parallel "$back_n" --reconnect
		wait $steady
		began=$(field back back_began_ms) ended=$(field back back_ended_ms)
		back+=("$(field back back_ms)")
		before+=("$(p99_between "$LAB/samples" $((start + 500)) "$storm")"); during+=("$(p99_between "$LAB/samples" "$began" "$ended")")
		# As many handshakes by the same generator on the same cores, but not with the gateway.
		load steady "$lab_door_port" --connections 4 --rate 200 --duration 6 --samples "$LAB/samples" &
		steady=$!
		sleep 2
		began=$(date +%s%3N)
		load storm "$bare_port" --handshakes --parallel "$back_n" --count "$back_n"
		ended=$(date +%s%3N)
		wait $steady
		bare+=("$(p99_between "$LAB/samples" "$began" "$ended")")
		say "reconnect $i: back after ${back[-1]} ms; p99 in us: ${before[-1]} before, ${during[-1]} with them, ${bare[-1]} with bare GnuTLS"
	done
	local mb md ms
	mb=$(printf '%s\n' "${before[@]}" | median) md=$(printf '%s\n' "${during[@]}" | median) ms=$(printf '%s\n' "${bare[@]}" | median)
	row reconnect "s until $back_n SCSs are back and served" "$(div "$(printf '%s\n' "${back[@]}" | median)" 1000)" - - "<= 5 s"
	row reconnect "ms, p99 of 200 triggers a second meanwhile" "$(div "$md" 1000 %.1f)" "$(div "$ms" 1000 %.1f)" "$(div "$md" "$ms")" "" \
		"baseline: the same crowd at bare GnuTLS instead"
	row reconnect "ms, p99 of 200 triggers a second meanwhile" "$(div "$md" 1000 %.1f)" "$(div "$mb" 1000 %.1f)" "$(div "$md" "$mb")" "" "baseline: before they came"
}

failed= taken=
for r in $rows; do
	say "$r"
	sleep "$rest"
	part=$(stolen)
	"bench_$r" || { say "$r: failed"; failed+=" $r"; }
	taken+=" $r $(stolen_since "$part")"
done
for p in door node hss smssc; do lab_alive $p || die "$p has died: $(tail -5 "$LAB/$p.log")"; done

machine=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)
gnutls=$(pkg-config --modversion gnutls 2>/dev/null) fd=$(dpkg-query -W -f '${Version}' freediameterd 2>/dev/null)
commit=$(git -C "$SRC" describe --always --dirty 2>/dev/null)
echo
echo "load average $began at the beginning, $(cut -d' ' -f1-3 /proc/loadavg) at the end"
echo "the host took for itself, percent of the machine's time in each row:$taken"
echo "$machine, $(nproc) cores, Linux $(uname -r), GnuTLS $gnutls, freeDiameter $fd, commit ${commit:-?}, $(date -u +%Y-%m-%dT%H:%MZ)"
printf '%-12s %-52s %14s %14s %8s  %-10s\n' row measured ours baseline ratio wanted
cat "$table"
jq -s --arg machine "$machine" --arg cores "$(nproc)" --arg kernel "$(uname -r)" --arg gnutls "$gnutls" --arg fd "$fd" --arg commit "$commit" \
	--arg date "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --arg load "$began" --arg stolen "$taken" \
	'{machine: $machine, cores: ($cores | tonumber), kernel: $kernel, gnutls: $gnutls, freediameter: $fd, commit: $commit, date: $date, load: $load, stolen_percent: ($stolen | split(" ")[1:] | [recurse(.[2:]; length > 1) | {(.[0]): (.[1] | tonumber)}] | add), rows: .}' \
	"$results" >"$out" || die "cannot write $out"
echo "written: $out"
[ -z "$failed" ] || die "not measured:$failed"
