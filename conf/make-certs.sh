#!/bin/sh
# make-certs.sh - a throw-away PKI for tests and demonstrations.
# For real use take your own CA: these keys are unprotected.

usage() {
	cat <<'END'
usage: make-certs.sh [--days N] [--expired NAME]... [--revoked NAME]... DIR NODE [SCS]...

Makes in DIR, for the Diameter identity NODE of the node and each SCS:
  ca.crt ca.key                  the CA that all of these trust
  NAME.crt NAME.key              EC P-256, dNSName NAME, for TLS servers and clients
  crl.pem                        what the CA has revoked (nothing, without --revoked)
  dh.pem                         Diffie-Hellman group, for TLS_DH_File of freeDiameter
  stranger/ca.crt                a CA that nobody trusts
  stranger/NAME.crt NAME.key     the same names, from that CA
--expired NAME   also NAME.crt and NAME.key in expired/, from the good CA, of the year 2020
--revoked NAME   NAME.crt, which it makes if need be, is in crl.pem
--days N         how long the certificates are valid (365)

What is there already is kept, so it can be run again to add names.
Needs certtool (Debian: gnutls-bin).
END
}

set -eu
umask 077
die() { echo "make-certs.sh: $*" >&2; exit 1; }
wrong() { echo "make-certs.sh: $*" >&2; usage >&2; exit 2; }

days=365 expired='' revoked=''
while [ $# -gt 0 ]; do
	case $1 in
	--help|-h) usage; exit 0;;
	--days|--expired|--revoked)
		[ $# -ge 2 ] || wrong "$1 wants a value"
		case $1 in
		--days) days=$2;;
		--expired) expired="$expired $2";;
		--revoked) revoked="$revoked $2";;
		esac
		shift 2;;
	--) shift; break;;
	-*) wrong "unknown option $1";;
	*) break;;
	esac
done
[ $# -ge 2 ] || wrong "a directory and the node's name are needed"
case $days in ''|*[!0-9]*|0) wrong "--days '$days' is not a number of days";; esac
dir=$1
shift
for name in "$@" $expired $revoked; do
	case $name in
	''|*[!A-Za-z0-9.-]*|.*|*.|*..*|-*) wrong "'$name' is not a host name";;
	esac
	[ ${#name} -le 253 ] || wrong "'$name' is longer than a host name can be"
done
command -v certtool >/dev/null || die "certtool not found; on Debian: apt-get install gnutls-bin"

mkdir -p "$dir" "$dir/stranger"
tmp=$(mktemp -d "$dir/.new.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# quiet COMMAND...: its words only when it fails
quiet() {
	"$@" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die "$1 $2 failed"; }
}

# key FILE
key() {
	quiet certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile "$1"
}

# authority DIR NAME
authority() {
	[ -s "$1/ca.crt" ] && [ -s "$1/ca.key" ] && return
	cat >"$tmp/ca.tmpl" <<-END
	organization = "$2"
	cn = "$2 CA"
	ca
	cert_signing_key
	crl_signing_key
	expiration_days = 3650
	END
	key "$tmp/ca.key"
	quiet certtool --generate-self-signed --load-privkey "$tmp/ca.key" --template "$tmp/ca.tmpl" --hash SHA256 --outfile "$tmp/ca.crt"
	mv "$tmp/ca.key" "$tmp/ca.crt" "$1/"
}

# certificate DIR CA-DIR NAME VALIDITY-LINES: TS 33.310 6.1.3a
certificate() {
	[ -s "$1/$3.crt" ] && [ -s "$1/$3.key" ] && return
	cat >"$tmp/tmpl" <<-END
	organization = "mtc-iwf test"
	cn = "$3"
	dns_name = "$3"
	signing_key
	tls_www_server
	tls_www_client
	crl_dist_points = "http://pki.example/ca.crl"
	$4
	END
	key "$tmp/key"
	quiet certtool --generate-certificate --load-privkey "$tmp/key" --load-ca-certificate "$2/ca.crt" --load-ca-privkey "$2/ca.key" \
		--template "$tmp/tmpl" --hash SHA256 --outfile "$tmp/crt"
	mv "$tmp/key" "$1/$3.key"
	mv "$tmp/crt" "$1/$3.crt"
	echo "$1/$3.crt"
}

valid="expiration_days = $days"
authority "$dir" "mtc-iwf test"
authority "$dir/stranger" "stranger"
for name in "$@" $revoked; do
	certificate "$dir" "$dir" "$name" "$valid"
	certificate "$dir/stranger" "$dir/stranger" "$name" "$valid"
done
for name in $expired; do
	mkdir -p "$dir/expired"
	certificate "$dir/expired" "$dir" "$name" 'activation_date = "2020-01-01 00:00:00 UTC"
expiration_date = "2020-12-31 00:00:00 UTC"'
done

# Always anew, since a CRL has an end too; what was revoked once stays so.
for name in $revoked; do
	grep -qxF "$name" "$dir/revoked" 2>/dev/null || echo "$name" >>"$dir/revoked"
done
printf 'crl_next_update = %s\ncrl_number = %s\n' "$days" "$(date +%s)" >"$tmp/crl.tmpl"
set --
if [ -s "$dir/revoked" ]; then
	while read -r name; do cat "$dir/$name.crt"; done <"$dir/revoked" >"$tmp/revoked.pem"
	set -- --load-certificate "$tmp/revoked.pem"
fi
quiet certtool --generate-crl --load-ca-privkey "$dir/ca.key" --load-ca-certificate "$dir/ca.crt" --template "$tmp/crl.tmpl" \
	--hash SHA256 --outfile "$tmp/crl.pem" "$@"
mv "$tmp/crl.pem" "$dir/crl.pem"

# The group of RFC 7919: generating one of our own would take minutes.
[ -s "$dir/dh.pem" ] || { quiet certtool --get-dh-params --bits 2048 --outfile "$tmp/dh.pem"; mv "$tmp/dh.pem" "$dir/dh.pem"; }
