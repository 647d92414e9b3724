# wire.sh - what was on the wire, read by a dissector that is not ours.
#
#   wire_check CAPTURE KEYLOG   cases: nothing malformed, nothing unknown, each
#                               command seen, flags of every AVP as in dict/*.csv

# wire_text CAPTURE KEYLOG: every message as tshark with the overlay shows it.  (It
# takes what is inside TLS for Remote Desktop now and then, unless told not to.)
wire_text() {
	local work=$LAB/wire as_user= p args=()
	mkdir -p "$work"
	MTC_WIRESHARK_XML=$BUILD/gen/wireshark-diameter.xml sh "$SRC/dict/wireshark-overlay" "$work/view" >/dev/null || return 1
	cp "$2" "$work/keys.log"
	# As root Wireshark does not follow WIRESHARK_DATA_DIR.
	if [ "$(id -u)" = 0 ]; then
		chmod 755 "$LAB" "$(dirname "$LAB")" "$work"
		chmod 644 "$work/keys.log"
		as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
	fi
	for p in hss smssc; do args+=(-d "tcp.port==$(cat "$LAB/$p.port"),diameter"); done
	env HOME=/nonexistent WIRESHARK_DATA_DIR="$work/view" $as_user tshark -r - -V -O diameter \
		-o "tls.keylog_file:$work/keys.log" -d "tcp.port==$lab_scs_port,tls" -d "tls.port==$lab_scs_port,diameter" \
		-d "tcp.port==$lab_node_port,diameter" \
		--disable-protocol rdpmt "${args[@]}" <"$1" 2>"$work/err"
}

# Flags that are not what the dictionary wants, one line each: NAME CODE SEEN WANTED
wire_wrong_flags() {
	awk -F', *' '
	FNR == NR { if ($1 == "avp") { want[$3] = ($4 != 0 ? "V" : "-") ($6 == "M" ? "M" : "-") "-" } next }
	match($0, /AVP: [^(]*\([0-9]+\) l=[0-9]+ f=.../) {
		line = substr($0, RSTART, RLENGTH)
		code = line; sub(/^[^(]*\(/, "", code); sub(/\).*/, "", code)
		seen = substr(line, length(line) - 2)
		if (!(code in want)) print line, "is not in dict/*.csv"
		else if (seen != want[code]) print line, "should be", want[code]
	}' <(cat "$SRC"/dict/*.csv) "$1" | sort | uniq -c
}

wire_check() {
	local text=$LAB/wire.txt cmd bad n
	wire_text "$1" "$2" >"$text" || { case_not_ok "tshark reads the capture" "$(cat "$LAB/wire/err")"; return; }
	for cmd in Device-Action Device-Notification Subscriber-Information Device-Trigger Delivery-Report; do
		n=$(grep -c "Command Code: .*$cmd" "$text")
		[ "$n" -ge 2 ] && case_ok "$cmd is on the wire, request and answer" || case_not_ok "$cmd is on the wire" "$n messages"
	done
	# The Payload of a recall is empty, which tshark finds worth a remark.
	bad=$(grep -E 'Unknown|Malformed|Dissector bug|Expert Info \((Error|Warning)' "$text" | grep -v 'Data is empty' | sort | uniq -c | head -5)
	is "nothing on the wire is malformed or unknown" "$bad" ""
	is "V and M bits are those of the dictionary" "$(wire_wrong_flags "$text" | head -5)" ""
}

# Messages on that port (of TCP), from what wire_text has shown.
wire_on_port() {
	awk -v port="$1" '/^Frame /{ keep = 0 } /^Transmission Control Protocol/ { keep = ($0 ~ ("Port: " port ",")) } keep' "$LAB/wire.txt"
}

# After wire_check: what the gateway keeps to the inside, and what it adds there.
wire_hidden() {
	local outside inside
	outside=$(wire_on_port "$lab_scs_port") inside=$(wire_on_port "$lab_node_port")
	works "both sides of the gateway were seen" test -n "$outside" -a -n "$inside"
	is "no name of the inside is on the wire to SCSs" "$(grep -ic "$lab_node" <<<"$outside")" 0
	is "no Route-Record goes to SCSs" "$(grep -c 'Route-Record' <<<"$outside")" 0
	is "no Proxy-Info goes to SCSs" "$(grep -c 'Proxy-Info' <<<"$outside")" 0
	works "the node sees Route-Records" grep -q Route-Record <<<"$inside"
	works "and Proxy-Infos" grep -q Proxy-Info <<<"$inside"
}
