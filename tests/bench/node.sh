# node.sh - rows of the node against bare freeDiameter, for bench.sh, which sources it.

# An SMS-SC that costs next to nothing takes the place of the simulator: what it took, the node would not get.
lab_smssc_start() {
	rm -f "$LAB/smssc.log"
	lab_spawn smssc "$BUILD/bench_sc" "smssc.$lab_realm" "$lab_realm" 64
	lab_wait 10 test -s "$LAB/smssc.log" || die "bench_sc does not start"
	head -1 "$LAB/smssc.log" >"$LAB/smssc.port"
}

# host_conf NAME IDENTITY: freeDiameter as lab_write_fd_conf has it, with ports of its own; extensions on standard input.
host_conf() {
	local name=$1 who=$2 port
	lab_port; port=$lab_free_port
	lab_port
	eval "${name}_port=$lab_free_port"
	cat >"$LAB/$name.conf" <<-END
	Identity = "$who";
	Realm = "$lab_realm";
	Port = $port;
	SecPort = $lab_free_port;
	ListenOn = "127.0.0.1";
	No_SCTP;
	No_IPv6;
	NoRelay;
	TcTimer = 2;
	TLS_Cred = "$LAB/pki/$who.crt", "$LAB/pki/$who.key";
	TLS_CA = "$LAB/pki/ca.crt";
	TLS_DH_File = "$LAB/pki/dh.pem";
	TLS_Prio = "$(lab_tls_prio)";
	LoadExtension = "$BUILD/.libs/dict_mtc.fdx";
	END
	cat >>"$LAB/$name.conf"
}
to_smssc() { echo "ConnectPeer = \"smssc.$lab_realm\" { ConnectTo = \"127.0.0.1\"; No_TLS; Port = $(cat "$LAB/smssc.port"); };"; }
host_start() {
	local name=$1 port
	eval "port=\$${name}_port"
	lab_spawn "$name" lab_host -c "$LAB/$name.conf"
	lab_wait 15 serves "$name" "$port" || die "$name: $(head -8 "$LAB/$name.log")"
}
serves() { load "try-$1" "$2" --count 1 --ext-id "${try_ext:-dev%05d@load.example.com}" 2>/dev/null && [ "$(field "try-$1" answered)" = 1 ]; }

bare_answer_start() {
	host_conf bare_answer $lab_iwf <<<"LoadExtension = \"$BUILD/.libs/bare_answer.fdx\";"
	host_start bare_answer
}
bare_relay_start() {
	host_conf bare_relay $lab_iwf <<<"LoadExtension = \"$BUILD/.libs/bare_relay.fdx\" : \"smssc.$lab_realm\"; $(to_smssc)"
	host_start bare_relay
}

# in_turn ROUNDS SECONDS "NAME PORT PROCESS ARGS" ... -- ARGS: one after the other, ROUNDS times; gives rate[NAME], p99[NAME] in
# ms and cpu[NAME] in us of PROCESS for each answer, a value for each round.  A round during which the host took more of the
# machine than $stolen_max percent is measured again after a rest, but no more of them than ROUNDS; those that come then count
# as they are, and $disturbed_note says so.  "--half-of NAME" among the ARGS of one: at half the rate that NAME has had in the
# same round.
declare -A rate p99 cpu
disturbed_note=
in_turn() {
	local n=$1 s=$2 who=() i=0 again=0 all_the_same=0 w name port pid more t0 t1 began disturbed failed
	local -A new
	shift 2
	while [ "$1" != -- ]; do who+=("$1"); shift; done
	shift
	for w in "${who[@]}"; do rate[${w%% *}]= p99[${w%% *}]= cpu[${w%% *}]=; done
	while [ $i -lt "$n" ]; do
		began=$(stolen) failed=no new=()
		for w in "${who[@]}"; do
			read -r name port pid more <<<"$w"
			[[ $more != "--half-of "* ]] || more="--rate $(div "${new[rate-${more#* }]:-0}" 2 %.0f)"
			t0=$(ticks $pid)
			load "$name" "$port" "$@" --duration "$s" $more || { failed=yes; continue; }
			t1=$(ticks $pid)
			new[rate-$name]=$(field "$name" answers_per_s)
			new[p99-$name]=$(div "$(field "$name" latency_p99_us)" 1000 %.2f)
			new[cpu-$name]=$(div $((1000000 * (t1 - t0) / $(getconf CLK_TCK))) "$(field "$name" answered)" %.1f)
			if [ -n "${WANT_STATUS:-}" ] && [ "$(field "$name" "result_2001_status_$WANT_STATUS")" -lt "$(field "$name" answered)" ]; then
				say "$name: the answers are not what was wanted: $(tail -n 1 "$LAB/$name.json")"
			fi
		done
		kill -USR2 "$(cat "$LAB/smssc.pid")"        # or it would remember all of them
		disturbed=$(awk -v a="$(stolen_since "$began")" -v b="$stolen_max" 'BEGIN { print (a > b) }')
		if [ "$disturbed" = 1 ] && [ $again -lt "$n" ]; then
			again=$((again + 1))
			sleep "$(awk -v r="$rest" 'BEGIN { print (r > 5 ? r : 5) }')"
			continue
		fi
		i=$((i + 1)) all_the_same=$((all_the_same + disturbed))
		[ $failed = no ] || continue
		for w in "${who[@]}"; do
			name=${w%% *}
			rate[$name]+=" ${new[rate-$name]}" p99[$name]+=" ${new[p99-$name]}" cpu[$name]+=" ${new[cpu-$name]}"
		done
	done
	for w in "${who[@]}"; do name=${w%% *}; say "  $name: a second${rate[$name]}; us${cpu[$name]}; p99${p99[$name]}"; done
	[ $again = 0 ] || say "  rounds of which the host took more than $stolen_max %: $again measured again, $all_the_same of the $n that count"
	disturbed_note=
	[ $all_the_same = 0 ] || disturbed_note="; the host disturbed $all_the_same of $n rounds"
}
med() { tr ' ' '\n' <<<"$1" | grep . | median; }
# The ratio of each round's pair, of these the median: what both had to share the machine with drops out.
ratio() { paste -d ' ' <(tr ' ' '\n' <<<"$1" | grep .) <(tr ' ' '\n' <<<"$2" | grep .) | awk '$2 + 0 { print $1 / $2 }' | median | awk '{ printf "%.2f", $1 }'; }

bench_answer() {
	lab_alive bare_answer || bare_answer_start
	WANT_STATUS=105 in_turn $((rounds + 2)) "$secs" "answer-node $lab_node_secport $(cat "$LAB/node.pid")" \
		"answer-bare $bare_answer_port $(cat "$LAB/bare_answer.pid")" -- --first 101 --connections 8 --outstanding 16
	row answer "refused DARs a second, over freeDiameter's TLS" "$(med "${rate[answer-node]}")" "$(med "${rate[answer-bare]}")" \
		"$(ratio "${rate[answer-node]}" "${rate[answer-bare]}")" ">= 0.90" "baseline: bare_answer$disturbed_note"
	row answer "us of CPU for each" "$(med "${cpu[answer-node]}")" "$(med "${cpu[answer-bare]}")" \
		"$(ratio "${cpu[answer-node]}" "${cpu[answer-bare]}")" "" "ratio: lower is better"
}

bench_relay() {
	lab_alive bare_relay || bare_relay_start
	WANT_STATUS=0 in_turn $((rounds + 2)) "$secs" "relay-node $lab_node_secport $(cat "$LAB/node.pid")" \
		"relay-door $lab_door_port $(cat "$LAB/node.pid")" \
		"relay-bare $bare_relay_port $(cat "$LAB/bare_relay.pid")" -- --connections 8 --outstanding 16
	row relay "full triggers a second, over freeDiameter's TLS" "$(med "${rate[relay-node]}")" "$(med "${rate[relay-bare]}")" \
		"$(ratio "${rate[relay-node]}" "${rate[relay-bare]}")" ">= 0.85" "baseline: bare_relay$disturbed_note"
	row relay "full triggers a second, through the gateway" "$(med "${rate[relay-door]}")" "$(med "${rate[relay-bare]}")" \
		"$(ratio "${rate[relay-door]}" "${rate[relay-bare]}")" ">= 0.85" "baseline: bare_relay over freeDiameter's TLS"
	row relay "us of the node's CPU for each" "$(med "${cpu[relay-node]}")" "$(med "${cpu[relay-bare]}")" \
		"$(ratio "${cpu[relay-node]}" "${cpu[relay-bare]}")" "<= 1.20" "ratio: lower is better"
	local disk
	disk=$("$BUILD/bench_disk" "$LAB") || die "bench_disk"
	sleep "$rest"
	# What the host gives changes within minutes: half of what the peak is at that time.
	WANT_STATUS=0 in_turn $((rounds + 2)) "$secs" "peak-node $lab_node_secport $(cat "$LAB/node.pid") --outstanding 16" \
		"half-node $lab_node_secport $(cat "$LAB/node.pid") --half-of peak-node" \
		"half-bare $bare_relay_port $(cat "$LAB/bare_relay.pid") --half-of peak-node" -- --connections 8
	row relay "ms, p99 at half of the node's peak ($(med "${rate[half-node]}") a second)" "$(med "${p99[half-node]}")" "$(med "${p99[half-bare]}")" \
		"$(ratio "${p99[half-node]}" "${p99[half-bare]}")" "<= 5 ms" "baseline: bare_relay at the same rate; the disk by itself: ${disk#* } ms, median ${disk% *}$disturbed_note"
}

# report NAME PORT COUNT: so many triggers, whose reports then come as fast as they are taken; $reported: a second.
report() {
	local name=$1 port=$2 count=$3 said helper i
	kill -USR2 "$(cat "$LAB/smssc.pid")"
	said=$(wc -l <"$LAB/smssc.log")
	rm -f "$LAB/$name.json"
	(LAB=$LAB; load "$name" "$port" --connections 8 --outstanding 16 --count "$count" --hold 120) &
	helper=$!
	lab_wait 60 grep -q '"type":"holding"' "$LAB/$name.json" || { say "$name: no triggers"; kill $(cat /proc/$helper/task/$helper/children); wait $helper; return 1; }
	kill -USR1 "$(cat "$LAB/smssc.pid")"
	for i in $(seq 600); do
		[ "$(wc -l <"$LAB/smssc.log")" -gt "$said" ] && break
		sleep 0.1
	done
	sleep 1
	[ -z "${REPORT_DRAIN:-}" ] || lab_wait 30 drained "$REPORT_DRAIN"
	kill $(cat /proc/$helper/task/$helper/children)
	wait $helper
	[ "$(tail -n 1 "$LAB/smssc.log")" = "reports $count wrong 0" ] && [ "$(field "$name" reports)" = "$count" ] ||
		say "$name: $(tail -n 1 "$LAB/smssc.log"), $(field "$name" reports) reports of $count"
	reported=$(field "$name" reports_per_s)
}
drained() { [ "$(sqlite3 -readonly "$1" 'SELECT count(*) FROM outbox')" = 0 ]; }
bench_report() {
	lab_alive bare_relay || bare_relay_start
	local i a= b= n=${BENCH_REPORTS:-48000}
	for i in $(seq "$rounds"); do
		REPORT_DRAIN=$LAB_DB report report-node "$lab_node_secport" "$n" && a+=" $reported"
		report report-bare "$bare_relay_port" "$n" && b+=" $reported"
	done
	say "  report-node: a second$a; report-bare:$b"
	row report "reports a second, DRR to DNA" "$(med "$a")" "$(med "$b")" "$(ratio "$a" "$b")" ">= 0.80" "baseline: bare_relay"
}

# ---- ten million devices

# Made once and kept, since it takes minutes: devices only, no SCS.
big_file() {
	local file=$cache/devices-$devices.db made=$cache/devices-$devices.new
	[ "$(sqlite3 -readonly "$file" "PRAGMA user_version" 2>/dev/null)" != "$(lab_sql 'PRAGMA user_version')" ] || { echo "$file"; return; }
	say "making $file, once"
	mkdir -p "$cache"
	rm -f "$made"*
	iwfctl --db "$made" db init >/dev/null || return 1
	sqlite3 -bail "$made" >/dev/null <<-END || return 1
	PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA locking_mode = EXCLUSIVE;
	BEGIN;
	INSERT INTO subscription (id, imsi) SELECT value, printf('00102%010d', value) FROM generate_series(1, $devices);
	INSERT INTO external_id (ext_id, subscription_id)
	  SELECT printf('dev%08d@load.example.com', value), value FROM generate_series(1, $devices);
	COMMIT;
	END
	mv "$made" "$file"
	echo "$file"
}
# Another node on a copy of that file, with nothing in its journal.
fresh_node() {
	local name=$1 file=$2
	# On disk now, and not with the first pages that the node wants there.
	cp "$file" "$LAB/$name.db" && sync "$LAB/$name.db" || die "no copy of $file"
	sed "s#sqlite:$LAB_DB#sqlite:$LAB/$name.db#" "$LAB/mtc-iwf.conf" >"$LAB/$name-iwf.conf"
	[ "$name" != big ] || load_scs | sqlite3 -bail "$LAB/big.db" || die "no SCSs in $LAB/big.db"
	host_conf "$name" "$lab_node" <<-END
	LoadExtension = "$BUILD/.libs/acl_scs.fdx" : "$LAB/$name-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_s6m.fdx" : "$LAB/$name-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_t4.fdx" : "$LAB/$name-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_tsp.fdx" : "$LAB/$name-iwf.conf";
	$(to_smssc)
	END
	try_ext=dev%08d@load.example.com host_start "$name"
}
bench_devices() {
	devices=${BENCH_DEVICES:-10000000} cache=${BENCH_CACHE:-$BUILD/bench-cache}
	local file big few
	file=$(big_file) || die "no file with $devices devices"
	fresh_node big "$file"
	fresh_node few "$LAB/few-begin.db"
	big=$(cat "$LAB/big.pid") few=$(cat "$LAB/few.pid")
	WANT_STATUS=0 in_turn $((rounds + 2)) "$secs" "devices-big $big_port $big --devices 1-$devices" \
		"devices-few $few_port $few --devices 1-1000" \
		-- --connections 8 --outstanding 16 --scatter --ext-id dev%08d@load.example.com
	row devices "full triggers a second, over $devices devices" "$(med "${rate[devices-big]}")" "$(med "${rate[devices-few]}")" \
		"$(ratio "${rate[devices-big]}" "${rate[devices-few]}")" ">= 0.95" "baseline: a node with 1000 devices$disturbed_note"
	row devices "us of the node's CPU for each" "$(med "${cpu[devices-big]}")" "$(med "${cpu[devices-few]}")" \
		"$(ratio "${cpu[devices-big]}" "${cpu[devices-few]}")" "" "ratio: lower is better"
	row devices "MB resident" "$(div "$(rss "$big")" 1024 %.0f)" "$(div "$(rss "$few")" 1024 %.0f)" - "< 200 MB"
}
