#!/bin/bash
# Who gets in by freeDiameter's own door, and who cannot take another's place there.
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
# SCSs and inside nodes have CAs of their own; freeDiameter itself knows one list, of both.
inside=$case_dir/inside
LAB_TRUST="scs_crl = \"pki/crl.pem\"; inside_ca = \"$inside/ca.crt\";"
LAB_TLS_CA=$case_dir/both.pem
LAB_FD_EXTRA='ThreadsPerServer = 16;'
mkdir "$inside"
"$SRC/conf/make-certs.sh" "$inside" hss.$lab_realm scs.acme.example >/dev/null 2>&1 && lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example hss=hss.$lab_realm
pki=$LAB/pki
. "$SRC/tests/system/zoo.sh"
"$SRC/conf/make-certs.sh" "$pki" $hss >/dev/null 2>&1
revoke revoked
cat "$pki/ca.crt" "$inside/ca.crt" >"$LAB_TLS_CA"
lab_start || exit 1

# as CERT HOST ARGS...: a Diameter client with that certificate and under that name; with as_exec=exec in place of the shell.
as() {
	local cert=$1 host=$2 realm=${2#*.}
	shift 2
	${as_exec:-} "$(lab_tool tsp-scs)" --connect "127.0.0.1:$lab_scs_port" --expect-host "$lab_iwf" --ca "$pki/ca.crt" --cert "$cert.crt" --key "$cert.key" \
		--origin-host "$host" --origin-realm "$realm" --dest-realm $lab_realm "$@"
}
try() { as "$1" "$2" --timeout 5 trigger --ext-id meter1@iot.example.com --payload x --reference $((RANDOM * 7 + 100)) >"$LAB/try.out" 2>&1; }
marked() { mark=$(lab_sql "SELECT coalesce(max(id), 0) FROM audit"); }
refusals() { lab_sql "SELECT reason FROM audit WHERE id > $mark AND decision = 'refused' AND event = 'connect'" | sort -u | paste -sd ' '; }
triggers() { lab_sql 'SELECT count(*) FROM device_trigger'; }
# kept_out WHAT CERT HOST REASON: it hears nothing of use, nothing is delivered, the audit has the address, the certificate and that reason.
kept_out() {
	local before got
	before=$(triggers)
	marked
	try "$2" "$3"
	got=$?
	lab_wait 5 test -n "$(refusals)" || sleep 1
	if [ $got = 3 ] && [ "$(refusals)" = "$4" ] && [ "$(triggers)" = "$before" ]; then
		case_ok "kept out: $1"
	else
		case_not_ok "kept out: $1" "status $got, audit: $(refusals), wanted: $4" "$(tail -2 "$LAB/try.out")"
	fi
}

# ---- certificates --------------------------------------------------------------

for c in good rsa; do
	try "$LAB/zoo/$c" $acme
	is "a good certificate ($c) gets in" $? 0
done
# What freeDiameter's own handshake refuses is in the audit as handshake.
while read -r c reason; do
	kept_out "$c" "$LAB/zoo/$c" $acme "$reason"
done <<-END
	expired handshake
	not-yet handshake
	revoked cert-revoked
	other-name cert-name
	no-name cert-profile
	wildcard cert-profile
	ip-name cert-profile
	server-only cert-usage
	no-usage cert-usage
	authority cert-profile
	sha1 handshake
	rsa-1024 cert-weak
	self handshake
	stranger handshake
END
revoke revoked later-revoked
kept_out "revoked since the start" "$LAB/zoo/later-revoked" $acme cert-revoked
works "TLS 1.1 is refused" test -z "$(openssl s_client -connect "127.0.0.1:$lab_scs_port" -tls1_1 -cipher ALL:@SECLEVEL=0 2>/dev/null | grep 'Cipher is [^(]')"
works "and so is a suite without forward secrecy" test -z "$(openssl s_client -connect "127.0.0.1:$lab_scs_port" -tls1_2 -cipher AES128-SHA 2>/dev/null | grep 'Cipher is [^(]')"

# ---- other names ---------------------------------------------------------------

kept_out "an SCS that calls itself another" "$pki/$acme" $nord cert-name
kept_out "an SCS that is unknown" "$pki/$acme" scs.nobody.example scs-unknown
kept_out "an SCS that calls itself the node" "$pki/$acme" "$lab_node" scs-unknown
kept_out "a certificate of the inside CA as an SCS" "$inside/$acme" $acme cert-issuer

# ---- in the place of an inside node --------------------------------------------

# connected NAME N: more than N times, as its log says.
connected() { [ "$(grep -c "$1 is connected" "$LAB/node.log")" -gt "$2" ]; }
for who in hss smssc; do
	name=$who.$lab_realm
	try "$pki/$acme" "$name"
	is "an SCS that calls itself the $who while that is connected" $? 3
	before=$(grep -c "$name is connected" "$LAB/node.log")
	lab_kill $who
	kept_out "an SCS that calls itself the $who while that is away" "$pki/$acme" "$name" cert-issuer
	[ $who != hss ] || kept_out "one to whom the SCSs' CA has given the name of the hss" "$pki/$name" "$name" cert-issuer
	# on the port it had, which the node has in its configuration
	sed -i "s/port = [0-9]*;/port = $(cat "$LAB/$who.port");/" "$LAB/sim-$who.conf"
	lab_${who}_start
	works "the real $who has its place back" lab_wait 20 connected "$name" "$before"
done
as "$pki/$acme" $acme trigger --ext-id meter1@iot.example.com --payload x --reference 77 --wait-report=20 >"$LAB/after.out" 2>&1
is "and triggers are delivered" $? 0

# The inside CA may say hss, but an hss is no SCS, and asks nothing over Tsp.
lab_kill hss
before=$(triggers)
as "$inside/$hss" $hss --timeout 5 trigger --ext-id meter1@iot.example.com --payload x >"$LAB/hss.out" 2>&1
is "a trigger from the hss itself is refused" "$(triggers):$(grep -c 'SUCCESS' "$LAB/hss.out")" "$before:0"
lab_hss_start

# ---- an SCS and its own name ---------------------------------------------------

as_exec=exec as "$pki/$acme" $acme --json wait --reference 1 --timeout 60 >"$LAB/first.log" 2>&1 &
echo $! >"$LAB/first.pid"
lab_wait 10 grep -q '"connected"' "$LAB/first.log"
try "$pki/$acme" $acme
is "a second connection under the same name is refused" $? 3
try "$LAB/zoo/good" $acme
is "with another of its certificates too" $? 3
works "the first one stays" lab_alive first
lab_kill first
sleep 1
lab_sql "UPDATE scs SET cert_sha256 = '$(openssl x509 -in "$pki/$acme.crt" -outform DER | sha256sum | cut -d' ' -f1)' WHERE name = 'acme'"
try "$pki/$acme" $acme
is "the pinned certificate gets in" $? 0
kept_out "another certificate of the same name than the pinned one" "$LAB/zoo/good" $acme cert-pin

# ---- the outside ---------------------------------------------------------------

lab_node_stop
LAB_CONF='' lab_node_conf
sed -i 's/direct_outside = true/direct_outside = false/' "$LAB/mtc-iwf.conf"
lab_node_start
kept_out "an outside SCS, when only inside ones may attach here" "$pki/$acme" $acme direct
lab_sql "UPDATE scs SET domain = 'inside' WHERE name = 'acme'"
try "$pki/$acme" $acme
is "an inside one may" $? 0
works "the audit's chain is whole" iwfctl audit verify
case_end
