#!/bin/bash
# The MTC Security Gateway: whose certificate gets in, what counts while it
# runs, other people's TLS, its two processes and their rights.
LAB_DOOR=yes
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
LAB_LIMITS="handshake_timeout_ms = 3000; hello_timeout_ms = 2000; cer_timeout_ms = 1000;"
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
pki=$LAB/pki
. "$SRC/tests/system/zoo.sh"
revoke revoked
lab_start || exit 1

# with CERT ARGS...: tsp-scs as acme, with a certificate of the zoo
with() {
	local cert=$LAB/zoo/$1
	shift
	"$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --ca "$pki/ca.crt" --cert "$cert.crt" --key "$cert.key" \
		--origin-host $acme --origin-realm acme.example --dest-realm $lab_realm "$@"
}
try() { with "$1" trigger --ext-id meter1@iot.example.com --payload x --reference $((RANDOM * 7 + 100)) >"$LAB/try.out" 2>&1; }
audited() { [ "$(lab_sql "SELECT count(*) FROM audit WHERE id > $mark AND $1")" -gt 0 ] 2>/dev/null; }   # HAVING may leave no row
marked() { mark=$(lab_sql "SELECT coalesce(max(id), 0) FROM audit"); }

for c in good rsa; do
	try $c
	is "a good certificate ($c) gets in" $? 0
done
while read -r c reason; do
	marked
	try "$c"
	is "kept out: $c" $? 3
	lab_wait 5 audited "decision = 'refused'"
	is "and the audit says $reason" "$(lab_sql "SELECT reason FROM audit WHERE id > $mark AND decision = 'refused'")" "$reason"
done <<-END
	expired cert-expired
	not-yet cert-not-yet
	revoked cert-revoked
	other-name cert-unknown
	no-name cert-profile
	wildcard cert-profile
	ip-name cert-profile
	server-only cert-usage
	no-usage cert-usage
	authority cert-profile
	sha1 cert-weak
	rsa-1024 cert-weak
	self cert-issuer
	stranger cert-issuer
END

marked
for who in hss.$lab_realm smssc.$lab_realm "$lab_node" "$lab_iwf" $nord; do
	SCS_HOST=$who SCS_REALM=$lab_realm scs $acme trigger --ext-id meter1@iot.example.com --payload x >/dev/null 2>&1
	is "acme's certificate does not make a $who" $? 3
done
is "and the audit has each of them" "$(lab_wait 5 audited "decision = 'refused' HAVING count(DISTINCT origin_host) = 5"; lab_sql "SELECT count(DISTINCT origin_host) FROM audit WHERE id > $mark AND decision = 'refused'")" 5

# ---- while it runs -------------------------------------------------------------

# held NAME COMMAND...: an SCS that stays connected; `tell NAME LINE` makes it do something.
held() {
	local name=$1 fd
	shift
	mkfifo "$LAB/$name.in"
	exec {fd}<>"$LAB/$name.in"
	eval "held_$name=$fd"
	"$@" --json script <"$LAB/$name.in" >>"$LAB/$name.log" 2>&1 &
	echo $! >"$LAB/$name.pid"
	lab_wait 10 grep -q '"connected"' "$LAB/$name.log"
}
tell() { local fd=held_$1; echo "$2" >&"${!fd}"; }
gone() { ! lab_alive "$1"; }
answered() { jq -es "map(select(.type == \"answer\" and .reference == $2 and .status == \"SUCCESS\")) | length == 1" "$LAB/$1.log"; }
lab_sql "INSERT OR REPLACE INTO scs_gateway (scs_id, connections) SELECT id, 4 FROM scs WHERE name = 'acme'"
lab_devices n1
lab_sql "INSERT INTO \"authorization\" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x WHERE s.name = 'nordtrack' AND x.ext_id = 'n1@iot.example.com'"

sleep 2   # until the gateway knows of the four
held one with good
held two with later-revoked
held three scs $nord
works "three SCSs are connected" test -n "$(lab_alive one && lab_alive two && lab_alive three && echo yes)"
lab_sql "UPDATE scs_gateway SET connections = 2"
becomes "one more than scs_gateway.connections is refused" 3 try good
tell one "trigger --ext-id meter1@iot.example.com --payload x --reference 9001"
works "and those that are there do not notice" lab_wait 10 answered one 9001

revoke revoked later-revoked
works "a certificate that is revoked later: its connection is closed" lab_wait 10 gone two
works "and the audit says so" lab_wait 5 audited "decision = 'ended' AND reason = 'cert-revoked'"
works "the log says that CRLs were read" grep -q 'CAs and CRLs are in use' "$LAB/door.log"
tell one "trigger --ext-id meter1@iot.example.com --payload x --reference 9002"
works "the same SCS with another certificate stays" lab_wait 10 answered one 9002

iwfctl scs disable acme >/dev/null
works "an SCS that is disabled is disconnected" lab_wait 10 gone one
works "and the audit says so" lab_wait 5 audited "decision = 'ended' AND reason = 'scs-disabled'"
tell three "trigger --ext-id n1@iot.example.com --payload x --reference 9003"
works "another one does not notice" lab_wait 10 answered three 9003
try good
is "a disabled SCS does not get in" $? 3
iwfctl scs enable acme >/dev/null
becomes "enabled again, it does" 0 try good

printf '%s\n%s\ndns_name = "scs.fresh.example"\n' "$usual" "$days" | zoo fresh SHA256 --key-type ecdsa --curve secp256r1
fresh() {
	"$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --ca "$pki/ca.crt" --cert "$LAB/zoo/fresh.crt" --key "$LAB/zoo/fresh.key" \
		--origin-host scs.fresh.example --origin-realm fresh.example --dest-realm $lab_realm trigger --ext-id meter1@iot.example.com --payload x >/dev/null 2>&1
}
fresh
is "an SCS without a row is kept out" $? 3
iwfctl scs add fresh --origin-host scs.fresh.example --origin-realm fresh.example --e164 491599000001 >/dev/null
becomes "with a row it gets in, without a restart (and is refused for want of a grant)" 1 fresh

serial() { certtool -i --infile "$1" 2>/dev/null | sed -n 's/.*Serial Number[^:]*: *//p'; }
shown() { gnutls-cli --x509cafile "$pki/ca.crt" --x509certfile "$LAB/zoo/good.crt" --x509keyfile "$LAB/zoo/good.key" --save-cert "$LAB/shown.pem" \
	--sni-hostname "$lab_iwf" --verify-hostname "$lab_iwf" -p "$lab_scs_port" 127.0.0.1 </dev/null >"$LAB/gnutls.out" 2>&1; serial "$LAB/shown.pem"; }
is "gnutls-cli sees our certificate" "$(shown)" "$(serial "$pki/$lab_iwf.crt")"
printf '%s\n%s\ndns_name = "%s"\n' "$usual" "$days" "$lab_iwf" | zoo ours SHA256 --key-type ecdsa --curve secp256r1
cp "$LAB/zoo/ours.key" "$pki/$lab_iwf.key"
works "a key without its certificate is not taken, and told" lab_wait 10 grep -q 'does not belong to the certificate' "$LAB/door.log"
is "and the old one goes on" "$(shown)" "$(serial "$LAB/shown.pem")"
try good
is "also with SCSs" $? 0
cp "$LAB/zoo/ours.crt" "$pki/$lab_iwf.crt"
renewed() { [ "$(shown)" = "$(serial "$LAB/zoo/ours.crt")" ]; }
works "both together are taken while it runs" lab_wait 10 renewed
tell three "trigger --ext-id n1@iot.example.com --payload x --reference 9004"
works "a connection that was there before stays" lab_wait 10 answered three 9004
echo rubbish >"$pki/crl.pem"
works "a broken CRL is told" lab_wait 10 grep -q "crl.pem: no CRLs" "$LAB/door.log"
try later-revoked
is "and the one before stays in force" $? 3
revoke revoked later-revoked

# ---- other people's TLS ------------------------------------------------------------

ssl() {
	timeout 20 openssl s_client -connect "127.0.0.1:$lab_scs_port" -CAfile "$pki/ca.crt" -cert "$LAB/zoo/good.crt" -key "$LAB/zoo/good.key" \
		-servername "$lab_iwf" -ign_eof "$@" </dev/null >"$LAB/ssl.out" 2>&1
}
ssl -tls1_3; like "openssl: TLS 1.3" "$(cat "$LAB/ssl.out")" "*New, TLSv1.3, Cipher is TLS_AES_*GCM*"
ssl -tls1_2; like "openssl: TLS 1.2" "$(cat "$LAB/ssl.out")" "*TLSv1.2*ECDHE-ECDSA-AES*GCM*"
is "and no session ticket" "$(grep -c 'TLS session ticket:' "$LAB/ssl.out")" 0
ssl -tls1_1 -cipher 'ALL:@SECLEVEL=0'; like "openssl: no TLS 1.1" "$(cat "$LAB/ssl.out")" "*alert*"
ssl -tls1_2 -cipher 'ECDHE-ECDSA-AES128-SHA256'; like "openssl: no CBC" "$(cat "$LAB/ssl.out")" "*handshake failure*"
ssl -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256; like "openssl: no ChaCha20" "$(cat "$LAB/ssl.out")" "*handshake failure*"
ssl -tls1_3 -sess_out "$LAB/sess"
is "openssl: nothing to resume" "$(test -s "$LAB/sess" && echo there || echo none)" none
timeout 20 openssl s_client -connect "127.0.0.1:$lab_scs_port" -tls1_2 -ign_eof </dev/null >"$LAB/ssl.out" 2>&1
like "openssl: no certificate, no entrance" "$(cat "$LAB/ssl.out")" "*alert*"
(sleep 2; echo R; sleep 4) | timeout 30 openssl s_client -connect "127.0.0.1:$lab_scs_port" -CAfile "$pki/ca.crt" -cert "$LAB/zoo/good.crt" \
	-key "$LAB/zoo/good.key" -tls1_2 >"$LAB/ssl.out" 2>&1
like "openssl: no renegotiation" "$(cat "$LAB/ssl.out")" "*RENEGOTIATING*"
case $(cat "$LAB/ssl.out") in *"verify return:1"*RENEGOTIATING*"verify return:1"*) case_not_ok "it was not granted";; *) case_ok "it was not granted";; esac
try good
is "after all that SCSs get in" $? 0

# ---- the processes -----------------------------------------------------------------

door_pid() { pgrep -P "$(cat "$LAB/door.pid")"; }
if [ -z "${SANITIZE:-}" ]; then
	d=/proc/$(door_pid)
	is "the door is under seccomp" "$(sed -n 's/^Seccomp:\t//p' "$d/status")" 2
	is "and may not get new privileges" "$(sed -n 's/^NoNewPrivs:\t//p' "$d/status")" 1
	is "it has no file of the store or of the PKI open" "$(ls -l "$d/fd" | grep -cE 'iwf.db|pki')" 0
fi
out=$(lab_door_status)
like "the counters are those of Prometheus" "$out" "*# TYPE iwf_gw_accepted_total counter*iwf_gw_refused_total{reason=\"cert-expired\"} 1*"

kill -KILL "$(door_pid)"
works "when the door is killed, the keeper says so and ends" lab_wait 10 gone door
works "and leaves nothing behind" grep -q 'the door was ended by signal 9' "$LAB/door.log"
rm -f "$LAB/door.pid"
lab_door_start
works "it starts again" try good
orphan=$(door_pid)
kill -KILL "$(cat "$LAB/door.pid")"
works "when the keeper is killed, the door ends" lab_wait 10 bash -c "! kill -0 $orphan"
rm -f "$LAB/door.pid"

(umask 027; head -c 24 /dev/urandom | base64 >"$LAB/other.key")
LAB_KEY_FILE=other.key lab_door_conf
marked
lab_spawn door lab_sanitized "$(lab_tool mtc-secgw)" --config "$LAB/mtc-secgw.conf"
works "who does not have the key does not pass for the gateway" lab_wait 10 audited "reason = 'agent'"
lab_wait 5 audited "reason = 'agent' HAVING count(*) > 2"
try good
is "nothing that it passes on is taken" $? 5
is "and nothing was delivered" "$(lab_sql "SELECT count(*) FROM device_trigger WHERE received_ms > (SELECT at_ms FROM audit WHERE id = $mark + 1)")" 0
lab_kill door
lab_door_conf
if [ "$(id -u)" = 0 ] && [ -z "${SANITIZE:-}" ]; then
	LAB_DOOR_USER=nobody lab_door_conf
	lab_door_start
	is "the door runs as its user" "$(stat -c %U "/proc/$(door_pid)")" nobody
	works "and is taken again by the node" try good
fi
lab_door_stop
is "the gateway ends cleanly" $? 0
lab_kill three >/dev/null 2>&1
case_end
