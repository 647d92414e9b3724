#!/bin/bash
# The MTC Security Gateway: other ways in (DTLS over SCTP, NDS/IP without TLS,
# IPv6), its key in a PKCS #11 token, OCSP, TLS to the node.
LAB_DOOR=yes
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example
pki=$LAB/pki
lab_port; sctp_udp=$lab_free_port
lab_port; tcp_port=$lab_free_port
lab_port; six_port=$lab_free_port
lab_hss_start && lab_smssc_start && lab_node_start || exit 1

to() {
	local port=$1
	shift
	"$(lab_tool tsp-scs)" --connect "${to_host:-127.0.0.1}:$port" --origin-host $acme --origin-realm acme.example --dest-realm $lab_realm "$@" \
		trigger --ext-id meter1@iot.example.com --payload x --reference $((RANDOM * 7 + 100)) --wait-report=20 >"$LAB/to.out" 2>&1
}
tls="--ca $pki/ca.crt --cert $pki/$acme.crt --key $pki/$acme.key --expect-host $lab_iwf"

# ---- ways in -----------------------------------------------------------------------

LAB_LISTEN_MORE=", { transport = \"dtls-sctp\"; address = \"127.0.0.1\"; port = 5868; sctp_stack = \"user\"; udp_port = $sctp_udp; }
	, { transport = \"tcp\"; address = \"127.0.0.1\"; port = $tcp_port; }
	, { transport = \"tls\"; address = \"::1\"; port = $six_port; }"
ip -6 addr show dev lo 2>/dev/null | grep -q ::1 || [ -e /proc/net/if_inet6 ] || LAB_LISTEN_MORE=${LAB_LISTEN_MORE%,*}
lab_door_conf
lab_door_start || exit 1
# shellcheck disable=SC2086  # $tls is a list of words
{
	to "$lab_scs_port" $tls; is "TLS over TCP" $? 0
	to 5868 $tls --sctp --sctp-stack user --sctp-udp "$sctp_udp"; is "DTLS over SCTP in UDP" $? 0
	like "and the log says so" "$(grep 'is connected from' "$LAB/door.log" | tail -1)" "*DTLS1.2*"
	cp "$pki/stranger/$acme.crt" "$LAB/s.crt"; cp "$pki/stranger/$acme.key" "$LAB/s.key"
	to 5868 --ca "$pki/ca.crt" --cert "$LAB/s.crt" --key "$LAB/s.key" --expect-host "$lab_iwf" --sctp --sctp-stack user --sctp-udp "$sctp_udp"
	is "a stranger does not get in over DTLS either" $? 3
	case $LAB_LISTEN_MORE in
	*::1*) to_host='[::1]' to "$six_port" $tls; is "TLS over IPv6" $? 0;;
	esac
	to "$tcp_port" --tcp; is "no TLS, no entrance" $? 3
	lab_sql "UPDATE scs SET domain = 'inside', security = 'ndsip' WHERE name = 'acme'"
	sleep 2   # it must not be refused for the row before
	to "$tcp_port" --tcp; is "nor for an SCS under NDS/IP from an address that is not its own" $? 3
	lab_sql "INSERT OR REPLACE INTO scs_gateway (scs_id, ndsip_address) SELECT id, '127.0.0.1' FROM scs WHERE name = 'acme'"
	becomes "from its own address it gets in" 0 to "$tcp_port" --tcp
	lab_sql "DELETE FROM scs_gateway; UPDATE scs SET domain = 'outside', security = 'tls' WHERE name = 'acme'"
}
lab_door_stop
is "the gateway ends cleanly" $? 0

# ---- the key in a token ------------------------------------------------------------

softhsm=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -1)
if [ -z "$softhsm" ]; then
	case_not_ok "SoftHSM2 is installed"
else
	mkdir -p "$LAB/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$LAB/tokens" >"$LAB/softhsm2.conf"
	export SOFTHSM2_CONF=$LAB/softhsm2.conf
	softhsm2-util --init-token --free --label gateway --so-pin 12345678 --pin 4711 >/dev/null 2>&1
	certtool --to-p8 --pkcs8 --empty-password --infile "$pki/$lab_iwf.key" --outfile "$LAB/p8.key" --load-privkey "$pki/$lab_iwf.key" >/dev/null 2>&1
	[ -s "$LAB/p8.key" ] || openssl pkcs8 -topk8 -nocrypt -in "$pki/$lab_iwf.key" -out "$LAB/p8.key"
	softhsm2-util --import "$LAB/p8.key" --token gateway --label tsp --id 01 --pin 4711 >"$LAB/softhsm.out" 2>&1 || cat "$LAB/softhsm.out"
	echo 4711 >"$LAB/pin"
	LAB_LISTEN_MORE=
	lab_door_conf
	sed -i "s|key = \"pki/$lab_iwf.key\";|key = \"pkcs11:token=gateway;object=tsp;type=private\"; pin_file = \"pin\";|" "$LAB/mtc-secgw.conf"
	lab_door_start
	# shellcheck disable=SC2086
	to "$lab_scs_port" $tls
	is "handshakes are signed by the token" $? 0
	lab_door_stop
	echo 0815 >"$LAB/pin"
	"$(lab_tool mtc-secgw)" --config "$LAB/mtc-secgw.conf" >"$LAB/pin.log" 2>&1
	is "a wrong PIN stops the start" $? 1
	like "and is told" "$(cat "$LAB/pin.log")" "*no private key*PIN*"
	unset SOFTHSM2_CONF
fi

# ---- OCSP --------------------------------------------------------------------------

lab_port; ocsp_port=$lab_free_port
# An index as openssl's responder reads it: status, end, revoked, serial, file, subject.
index() {
	local status=$1 revoked=$2 serial
	serial=$(openssl x509 -in "$pki/$acme.crt" -noout -serial | sed 's/.*=//')
	printf '%s\t391231235959Z\t%s\t%s\tunknown\t/CN=x\n' "$status" "$revoked" "$serial" >"$LAB/index.txt"
}
ocsp_start() {
	lab_spawn ocsp openssl ocsp -index "$LAB/index.txt" -CA "$pki/ca.crt" -rsigner "$pki/ca.crt" -rkey "$pki/ca.key" -port "$ocsp_port" -ndays 1
	lab_wait 10 grep -q 'waiting for OCSP' "$LAB/ocsp.log"   # a connection without a question would block it
}
ocsp_try() {
	LAB_DOOR_TLS="ocsp = \"$1\"; ocsp_responder = \"http://127.0.0.1:$ocsp_port/\"; ocsp_timeout_ms = 2000;"
	lab_door_conf
	lab_door_start
	# shellcheck disable=SC2086
	to "$lab_scs_port" $tls ${2:+--ocsp-response "$2"}
	got=$?
	lab_door_stop
}
# A response to staple: FILE, who signs.
staple() {
	openssl ocsp -index "$LAB/index.txt" -CA "$pki/ca.crt" -rsigner "$2.crt" -rkey "$2.key" -ndays 1 \
		-issuer "$pki/ca.crt" -cert "$pki/$acme.crt" -respout "$1" -noverify >"$LAB/staple.log" 2>&1
}
index V ''
ocsp_start
ocsp_try hard; is "OCSP hard, the responder says good" $got 0
lab_kill ocsp; rm -f "$LAB/ocsp.log"
ocsp_try hard; is "OCSP hard, no responder" $got 3
is "and the audit says so" "$(lab_sql "SELECT reason FROM audit WHERE event = 'connect' AND decision = 'refused' ORDER BY id DESC LIMIT 1")" cert-revocation
ocsp_try soft; is "OCSP soft, no responder" $got 0
index R 250101000000Z
ocsp_start
ocsp_try soft; is "OCSP soft, the responder says revoked" $got 3
is "and the audit says so" "$(lab_sql "SELECT reason FROM audit WHERE event = 'connect' AND decision = 'refused' ORDER BY id DESC LIMIT 1")" cert-revoked
lab_kill ocsp; rm -f "$LAB/ocsp.log"
staple "$LAB/revoked.der" "$pki/ca"
ocsp_try soft "$LAB/revoked.der"; is "OCSP soft, no responder, a stapled response says revoked" $got 3
like "and the audit says so" "$(lab_sql "SELECT reason || ' ' || detail FROM audit WHERE event = 'connect' AND decision = 'refused' ORDER BY id DESC LIMIT 1")" \
	"cert-revoked *by the OCSP response it sent"
index V ''
staple "$LAB/good.der" "$pki/ca"
ocsp_try hard "$LAB/good.der"; is "OCSP hard, no responder, a stapled response says good" $got 0
staple "$LAB/own.der" "$pki/$acme"
ocsp_try hard "$LAB/own.der"; is "OCSP hard, no responder, a response stapled that the SCS has signed itself" $got 3
like "it does not count" "$(cat "$LAB/door.log")" "*its OCSP response does not count: the answer is not signed by the issuer*"
LAB_DOOR_TLS=

# ---- TLS to the node ---------------------------------------------------------------

LAB_DOOR_TLS='node_ca = "pki/ca.crt";'
lab_door_conf
sed -i "s|port = $lab_node_port; }|port = $lab_node_secport; tls = true; }|; /node_key_file/d" "$LAB/mtc-secgw.conf"
lab_door_start
# shellcheck disable=SC2086
to "$lab_scs_port" $tls
is "TLS to the node, known by its certificate" $? 0
lab_door_stop
case_end
