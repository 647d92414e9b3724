# zoo.sh - certificates of every kind for the SCS $acme, beside the good ones of $pki: sourced by tests.
# shellcheck shell=bash
# zoo NAME HASH KEY-ARGS... : a certificate from the good CA; its template is read from standard input.
zoo() {
	local name=$1 hash=$2
	shift 2
	mkdir -p "$LAB/zoo"
	cat >"$LAB/zoo/tmpl"
	certtool --generate-privkey --outfile "$LAB/zoo/$name.key" "$@" >/dev/null 2>&1 &&
		certtool --generate-certificate --load-privkey "$LAB/zoo/$name.key" --load-ca-certificate "${zoo_ca:-$pki/ca}.crt" \
			--load-ca-privkey "${zoo_ca:-$pki/ca}.key" --template "$LAB/zoo/tmpl" --hash "$hash" --outfile "$LAB/zoo/$name.crt" >/dev/null 2>&1 ||
		case_not_ok "a certificate for $name can be made"
}
ec='--key-type ecdsa --curve secp256r1'
usual=$(printf 'organization = "zoo"\ncn = "zoo"\nsigning_key\ntls_www_client\ntls_www_server\n')
days='expiration_days = 30'
# shellcheck disable=SC2086  # $ec is a list of words
{
	zoo good SHA256 $ec <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo rsa SHA256 --key-type rsa --bits 2048 <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo expired SHA256 $ec <<<"$usual"$'\n'"dns_name = \"$acme\""$'\nactivation_date = "2020-01-01 00:00:00 UTC"\nexpiration_date = "2020-12-31 00:00:00 UTC"'
	zoo not-yet SHA256 $ec <<<"$usual"$'\n'"dns_name = \"$acme\""$'\nactivation_date = "2090-01-01 00:00:00 UTC"\nexpiration_date = "2090-12-31 00:00:00 UTC"'
	zoo other-name SHA256 $ec <<<"$usual"$'\n'"$days"$'\ndns_name = "scs.unknown.example"'
	zoo no-name SHA256 $ec <<<"$usual"$'\n'"$days"
	zoo wildcard SHA256 $ec <<<"$usual"$'\n'"$days"$'\ndns_name = "*.acme.example"'
	zoo ip-name SHA256 $ec <<<"$usual"$'\n'"$days"$'\nip_address = "127.0.0.1"'
	zoo server-only SHA256 $ec <<<'organization = "zoo"'$'\ncn = "zoo"\nsigning_key\ntls_www_server\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo no-usage SHA256 $ec <<<'organization = "zoo"'$'\ncn = "zoo"\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo authority SHA256 $ec <<<'organization = "zoo"'$'\ncn = "zoo"\nca\ncert_signing_key\nsigning_key\ntls_www_client\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo sha1 SHA1 $ec <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo rsa-1024 SHA256 --key-type rsa --bits 1024 <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo revoked SHA256 $ec <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
	zoo later-revoked SHA256 $ec <<<"$usual"$'\n'"$days"$'\n'"dns_name = \"$acme\""
}
certtool --generate-self-signed --load-privkey "$LAB/zoo/good.key" --template <(printf '%s\n%s\ndns_name = "%s"\n' "$usual" "$days" "$acme") \
	--outfile "$LAB/zoo/self.crt" >/dev/null 2>&1
cp "$LAB/zoo/good.key" "$LAB/zoo/self.key"
cp "$pki/stranger/$acme.crt" "$LAB/zoo/stranger.crt"
cp "$pki/stranger/$acme.key" "$LAB/zoo/stranger.key"
# revoke NAME...: the CRL as of now
revoke() {
	local n
	for n in "$@"; do cat "$LAB/zoo/$n.crt"; done >"$LAB/zoo/revoked.pem"
	printf 'crl_next_update = 30\ncrl_number = %s\n' "$(date +%s)" >"$LAB/zoo/crl.tmpl"
	certtool --generate-crl --load-ca-privkey "$pki/ca.key" --load-ca-certificate "$pki/ca.crt" --template "$LAB/zoo/crl.tmpl" --hash SHA256 \
		--load-certificate "$LAB/zoo/revoked.pem" --outfile "$pki/crl.new" >/dev/null 2>&1 && mv "$pki/crl.new" "$pki/crl.pem"
}
