# lab.sh - a whole network in one directory: HSS, SMS-SC, the node and its
# database, and with LAB_DOOR=yes the MTC Security Gateway in front of it, on
# loopback ports of its own.  Sourced by ./run and by the system
# tests; wants BUILD (where the tree was built) and SRC (the tree).
#
#   lab_make DIR     PKI, database and configuration; LAB is DIR from then on,
#                    the database is LAB_DB, if that is set before
#   lab_start        HSS, SMS-SC, node, gateway; returns when the node serves
#   lab_door_start / lab_door_stop / lab_door_conf [LINES]
#   lab_node_start / lab_node_stop / lab_hss_start / lab_smssc_start ...
#   lab_devices NAME...  more devices for acme
#   lab_stop         ends what this lab started, by pid
#   scs NAME ARGS    tsp-scs as that SCS
#
# Needs certtool (gnutls-bin), sqlite3 and freeDiameterd.

lab_fd=${FREEDIAMETERD:-$(command -v freeDiameterd || echo /usr/bin/freeDiameterd)}
lab_realm=operator.example
# What SCSs know the MTC-IWF by, and what it calls itself: behind a gateway
# another name, since the gateway has that one.
lab_iwf=iwf.$lab_realm
lab_node=$lab_iwf
[ "${LAB_DOOR:-no}" = no ] || lab_node=iwf1.inside.$lab_realm
lab_tool() { echo "$BUILD/$1"; }
iwfctl() { "$(lab_tool iwfctl)" --config "$LAB/mtc-iwf.conf" "$@"; }
lab_sql() { sqlite3 -bail -cmd '.timeout 60000' -cmd 'PRAGMA foreign_keys=ON' "$LAB_DB" "$@"; }

lab_die() { echo "lab: $*" >&2; return 1; }

# A port that nobody listens on, in a range of our own.
lab_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		case " $lab_ports " in *" $p "*) continue;; esac
		(exec 3<>/dev/tcp/127.0.0.1/$p) 2>/dev/null && continue
		lab_ports="$lab_ports $p"
		lab_free_port=$p
		return
	done
}

# With what the sanitizers of such a build want to know.  Whose leaks those of freeDiameter are is only seen in whole
# stacks, one for each allocation: a node does a sixth then.  LAB_LEAKS=0 does without.  For lab_spawn: takes the place
# of its shell.
lab_sanitized() {
	[ -n "${SANITIZE:-}" ] || exec "$@"
	exec env ASAN_OPTIONS="suppressions=$SRC/tests/system/asan.supp:fast_unwind_on_malloc=$((1 - ${LAB_LEAKS:-1})):detect_leaks=${LAB_LEAKS:-1}:exitcode=99:log_path=$LAB/sanitizer" \
		LSAN_OPTIONS="suppressions=$SRC/tests/system/lsan.supp:print_suppressions=0" \
		UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:log_path=$LAB/sanitizer" \
		TSAN_OPTIONS="exitcode=99:suppressions=$SRC/tests/system/tsan.supp:log_path=$LAB/sanitizer" "$@"
}

# The node: freeDiameterd itself, or, for a build with a sanitizer, our own host
# program, which has the runtime linked in.  For lab_spawn: takes the place of its shell.
lab_host() {
	[ -n "${SANITIZE:-}" ] || exec "$lab_fd" "$@"
	lab_sanitized "$BUILD/tests/support/fd_host" "$@"
}

# lab_spawn NAME COMMAND... : in the background, output in $LAB/NAME.log, pid in $LAB/NAME.pid
lab_spawn() {
	local name=$1
	shift
	"$@" >>"$LAB/$name.log" 2>&1 &
	echo $! >"$LAB/$name.pid"
}

lab_alive() { [ -s "$LAB/$1.pid" ] && kill -0 "$(cat "$LAB/$1.pid")" 2>/dev/null; }

# lab_kill NAME [SIGNAL]: and wait until it is gone; its exit status.
lab_kill() {
	local name=$1 sig=${2:-TERM} pid i status=0
	[ -n "${LAB:-}" ] && [ -s "$LAB/$name.pid" ] || return 0       # what ends before there is a lab stops nothing
	pid=$(cat "$LAB/$name.pid")
	kill -"$sig" "$pid" 2>/dev/null
	for i in $(seq 600); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	if kill -0 "$pid" 2>/dev/null; then
		echo "lab: $name (pid $pid) does not end on SIG$sig" >&2
		kill -KILL "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null || status=$?
	rm -f "$LAB/$name.pid"
	return $status
}

# lab_wait SECONDS COMMAND...: until it succeeds; four times as long where the machine is busy with other things.
lab_wait() {
	local lab_tries=$(($1 * 40))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ $((lab_tries -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

lab_hss_start() {
	rm -f "$LAB/hss.port"
	lab_spawn hss "$(lab_tool sim-hss)" --config "$LAB/sim-hss.conf" --json --port-file "$LAB/hss.port" ${LAB_SIM_ARGS:-}
	lab_wait 10 test -s "$LAB/hss.port" || lab_die "sim-hss does not start: $(tail -3 "$LAB/hss.log")"
}
lab_smssc_start() {
	local n=${1:-smssc}
	rm -f "$LAB/$n.port"
	lab_spawn "$n" "$(lab_tool sim-smssc)" --config "$LAB/sim-$n.conf" --json --port-file "$LAB/$n.port" ${LAB_SIM_ARGS:-}
	lab_wait 10 test -s "$LAB/$n.port" || lab_die "sim-smssc does not start: $(tail -3 "$LAB/$n.log")"
}

# The TLS profile of TS 33.210 6.2, as the sample configuration has it.
lab_tls_prio() { sed -n 's/^TLS_Prio *= *"\(.*\)";/\1/p' "$BUILD/conf/freeDiameter.conf" | head -1; }

lab_write_fd_conf() {
	cat >"$LAB/freeDiameter.conf" <<-END
	Identity = "$lab_node";
	Realm = "$lab_realm";
	Port = $lab_node_port;
	SecPort = $lab_node_secport;
	ListenOn = "127.0.0.1";
	No_SCTP;
	No_IPv6;
	NoRelay;
	TcTimer = 2;
	TLS_Cred = "$LAB/pki/$lab_node.crt", "$LAB/pki/$lab_node.key";
	TLS_CA = "${LAB_TLS_CA:-$LAB/pki/ca.crt}";
	TLS_DH_File = "$LAB/pki/dh.pem";
	TLS_Prio = "$(lab_tls_prio)";
	${LAB_FD_EXTRA:-}
	LoadExtension = "$BUILD/.libs/dict_mtc.fdx";
	LoadExtension = "$BUILD/.libs/acl_scs.fdx" : "$LAB/mtc-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_s6m.fdx" : "$LAB/mtc-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_t4.fdx" : "$LAB/mtc-iwf.conf";
	LoadExtension = "$BUILD/.libs/app_tsp.fdx" : "$LAB/mtc-iwf.conf";
	ConnectPeer = "hss.$lab_realm" { ConnectTo = "127.0.0.1"; No_TLS; Port = $(cat "$LAB/hss.port"); };
	ConnectPeer = "smssc.$lab_realm" { ConnectTo = "127.0.0.1"; No_TLS; Port = $(cat "$LAB/smssc.port"); };
	END
	[ ! -s "$LAB/smssc2.port" ] ||
		echo "ConnectPeer = \"smssc2.$lab_realm\" { ConnectTo = \"127.0.0.1\"; No_TLS; Port = $(cat "$LAB/smssc2.port"); };" >>"$LAB/freeDiameter.conf"
}

lab_node_conf() {
	cat >"$LAB/mtc-iwf.conf" <<-END
	store = { uri = "sqlite:$LAB_DB"; busy_timeout_ms = ${LAB_BUSY_MS:-5000}; };
	identity = { source = "${LAB_IDENTITY:-local}"; };
	s6m = { hss = ( { host = "hss.$lab_realm"; realm = "$lab_realm"; } ); ${LAB_S6M:-} };
	t4 = { smssc = ( { host = "smssc.$lab_realm"; realm = "$lab_realm"; priority = 1; rate_per_s = ${LAB_SMSSC_RATE:-0}; }${LAB_SMSSC_MORE:-} ); ${LAB_T4:-} };
	notify = { retry_min_s = 1; retry_max_s = 5; ${LAB_NOTIFY:-} };
	log = { level = "info"; };
	audit = { ${LAB_AUDIT:-repeat_after = 1000;} };
	policy = { ${LAB_POLICY:-device_rate_per_h = 0;} };
	${LAB_CONF:-}
	END
	[ "${LAB_DOOR:-no}" != no ] || cat >>"$LAB/mtc-iwf.conf" <<-END
	tsp = { direct_outside = true; ${LAB_TSP:-} };
	trust = { scs_ca = "${LAB_SCS_CA:-pki/ca.crt}"; ${LAB_TRUST:-} };
	END
	[ "${LAB_DOOR:-no}" = no ] || echo "tsp = { trusted_agents = [ \"$lab_iwf\" ]; agent_key_file = \"agent.key\"; ${LAB_TSP:-} };" >>"$LAB/mtc-iwf.conf"
}

# The gateway's configuration; the arguments are lines of its own sections.
lab_door_conf() {
	local sandbox=require
	[ -z "${SANITIZE:-}" ] || sandbox=off
	cat >"$LAB/mtc-secgw.conf" <<-END
	gateway = {
	  identity = "$lab_iwf"; realm = "$lab_realm";
	  listen = ( { transport = "tls"; address = "127.0.0.1"; port = $lab_door_port; }${LAB_LISTEN_MORE:-} );
	  nodes = ( { host = "$lab_node"; realm = "$lab_realm"; address = "127.0.0.1"; port = $lab_node_port; }${LAB_NODES_MORE:-} );
	  node_key_file = "${LAB_KEY_FILE:-agent.key}";
	};
	tls = { certificate = "pki/$lab_iwf.crt"; key = "pki/$lab_iwf.key"; ca = "pki/ca.crt"; crl = "pki/crl.pem"; ${LAB_DOOR_TLS:-} };
	store = { uri = "sqlite:$LAB_DB"; };
	limits = { ${LAB_LIMITS:-} };
	process = { user = "${LAB_DOOR_USER:-}"; keeper_user = ""; sandbox = "$sandbox"; control = "control"; };
	log = { level = "info"; };
	END
}
lab_door_start() {
	local mark=0
	[ ! -f "$LAB/door.log" ] || mark=$(wc -l <"$LAB/door.log")
	[ -s "$LAB/mtc-secgw.conf" ] || lab_door_conf
	lab_spawn door lab_sanitized "$(lab_tool mtc-secgw)" --config "$LAB/mtc-secgw.conf"
	lab_wait "${LAB_START_WAIT:-20}" lab_door_up "$mark" && lab_alive door || {
		lab_die "the gateway does not start:"
		tail -5 "$LAB/door.log" >&2
		return 1
	}
}
lab_door_up() {
	lab_alive door || return 0
	tail -n +$(($1 + 1)) "$LAB/door.log" | grep -q 'is open, for' || return 1
	lab_alive node || return 0
	lab_door_status 2>/dev/null | grep -q '^iwf_gw_node_up{.*} 1'
}
lab_door_stop() { lab_kill door "${1:-TERM}"; }
lab_door_status() { "$(lab_tool mtc-secgw)" --status --config "$LAB/mtc-secgw.conf"; }

lab_peer_open() { grep -q "$1 is connected" "$LAB/node.log"; }

lab_node_start() {
	local mark=0
	[ ! -f "$LAB/node.log" ] || mark=$(wc -l <"$LAB/node.log")
	lab_write_fd_conf
	lab_spawn node lab_host -c "$LAB/freeDiameter.conf" ${LAB_NODE_ARGS:-}
	lab_wait "${LAB_START_WAIT:-20}" lab_node_up "$mark" || {
		lab_die "the node does not start:"
		tail -5 "$LAB/node.log" >&2
		return 1
	}
}
lab_node_up() {
	lab_alive node || return 0
	(exec 3<>/dev/tcp/127.0.0.1/$lab_node_secport) 2>/dev/null || return 1
	local p
	for p in hss smssc smssc2; do
		lab_alive $p || continue
		tail -n +$(($1 + 1)) "$LAB/node.log" | grep -q "acl.*$p.$lab_realm is connected" || return 1
	done
}
lab_node_stop() { lab_kill node "${1:-TERM}"; }

lab_make() {
	LAB=$1
	mkdir -p "$LAB"
	LAB=$(cd "$LAB" && pwd)
	LAB_DB=${LAB_DB:-$LAB/iwf.db}
	lab_ports=
	lab_port; lab_node_port=$lab_free_port
	lab_port; lab_node_secport=$lab_free_port
	lab_port; lab_door_port=$lab_free_port
	# where SCSs connect
	if [ "${LAB_DOOR:-no}" = no ]; then lab_scs_port=$lab_node_secport; else lab_scs_port=$lab_door_port; fi
	"$SRC/conf/make-certs.sh" "$LAB/pki" "$lab_node" "$lab_iwf" scs.acme.example scs.nordtrack.example scs.oldfleet.example >"$LAB/pki.log" 2>&1 ||
		{ lab_die "no certificates: $(tail -3 "$LAB/pki.log")"; return 1; }
	(umask 027; head -c 24 /dev/urandom | base64 >"$LAB/agent.key")
	lab_node_conf
	iwfctl db init >/dev/null && lab_sql <"$SRC/db/sqlite/demo.sql" && lab_rows && lab_sims
}

# Besides the demonstration rows: a device whose delivery takes its time, so that
# there is something to recall and replace, and a domain that only the HSS knows.
lab_rows() {
	lab_sql <<-END
	INSERT INTO subscription (imsi, mtc_user_id) SELECT '001010000000008', id FROM mtc_user WHERE name = 'acme-metering';
	INSERT INTO external_id (ext_id, subscription_id)
	  SELECT 'slow@iot.example.com', id FROM subscription WHERE imsi = '001010000000008';
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
	  SELECT s.id, d.id, 1, 1, 1 FROM scs s, subscription d WHERE s.name = 'acme' AND d.imsi = '001010000000008';
	INSERT INTO "authorization" (scs_id, domain, may_trigger, may_recall, may_replace)
	  SELECT id, 'far.example.com', 1, 1, 1 FROM scs WHERE name = 'acme';
	END
}

# lab_devices NAME...: more devices, NAME@iot.example.com, that acme may trigger, recall and replace.
lab_devices() {
	local name
	for name in "$@"; do
		cat <<-END
		INSERT INTO subscription (imsi) SELECT printf('0010100002%05d', count(*)) FROM subscription;
		INSERT INTO external_id (ext_id, subscription_id) VALUES ('$name@iot.example.com', last_insert_rowid());
		INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
		  SELECT s.id, x.subscription_id, 1, 1, 1 FROM scs s, external_id x WHERE s.name = 'acme' AND x.ext_id = '$name@iot.example.com';
		END
	done | lab_sql
}

# What the HSS and the SMS-SC do; a test writes its own.
lab_sims() {
	cat >"$LAB/sim-hss.conf" <<-END
	identity = "hss.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	subscribers = (
	  { imsi = "001010000000101"; msisdn = "491510000101"; ext_id = "meter1@far.example.com";
	    serving_node = { msc_number = "491710000001"; mme_name = "mme1.$lab_realm"; mme_realm = "$lab_realm"; };
	    additional_nodes = ( { sgsn_number = "491710000002"; } ); }
	);
	default = { result = "user-unknown"; };
	END
	cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	supports_recall_replace = true;
	default = { outcome = "deliver"; after_ms = 300; };
	devices = ( { imsi = "001010000000008"; after_ms = 60000; } );
	END
}

lab_start() {
	lab_hss_start && lab_smssc_start && lab_node_start || return 1
	[ "${LAB_DOOR:-no}" = no ] || lab_door_start
}

lab_stop() {
	local p
	for p in door node hss smssc smssc2 tshark; do lab_kill $p >/dev/null 2>&1; done
	return 0
}

# scs NAME ARGS...: as the SCS of that certificate; SCS_HOST and SCS_REALM override what it calls itself.
scs() {
	local name=$1 host realm
	shift
	host=${SCS_HOST:-$name}
	realm=${SCS_REALM:-${name#*.}}
	"$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" \
		--cert "$LAB/pki/$name.crt" --key "$LAB/pki/$name.key" --ca "$LAB/pki/ca.crt" \
		--origin-host "$host" --origin-realm "$realm" --dest-realm "$lab_realm" "$@"
}
