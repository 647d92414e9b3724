#!/bin/bash
# t_sctp_wire.sh - SCTP in UDP as tshark sees it: plain Diameter with payload protocol 46;
# DTLS 1.2 with 47, a record a message, all DATA of it behind an AUTH chunk, on stream 0.
#
# Exit status 0: passed, 77: this user may not capture, else failed.
. "$SRC/tests/system/case.sh"
case_begin
LAB=$case_dir
port=$((20000 + RANDOM % 10000))
command -v tshark >/dev/null || { case_skip "tshark is not installed (tshark)"; exit 77; }
lab_spawn tshark tshark -q -i lo -f "udp port $port" -w "$LAB/wire.pcapng"
lab_wait 10 grep -q 'Capturing on' "$LAB/tshark.log" && lab_wait 10 test -s "$LAB/wire.pcapng" ||
	{ echo "SKIP: this user may not capture on lo ($(tail -1 "$LAB/tshark.log" 2>/dev/null))"; exit 77; }
works "both ends talk" env CK_RUN_CASE=opens SCTP_LISTEN_UDP=$port "$BUILD/check_sctp"
sleep 1
lab_kill tshark INT >/dev/null 2>&1

# fields FILTER FIELD...: a line a packet, fields between tabs, several of one kind between commas.
fields() {
	local filter=$1 f args=()
	shift
	for f; do args+=(-e "$f"); done
	env HOME=/nonexistent tshark -r "$LAB/wire.pcapng" -d "udp.port==$port,sctp" -Y "$filter" -T fields "${args[@]}" 2>>"$LAB/read.log"
}
all() { sort | uniq -c | awk '{ $1 = ""; print substr($0, 2) }' | paste -sd' '; }   # all there is of it, once

like "DATA is seen" "$(fields 'sctp.chunk_type == 0' frame.number | wc -l)" '[1-9][0-9]*'
is "payload protocols" "$(fields 'sctp.chunk_type == 0' sctp.data_payload_proto_id | tr , '\n' | all)" "46 47"
is "streams" "$(fields 'sctp.chunk_type == 0' sctp.data_sid | tr , '\n' | all)" "0x0000"
is "DTLS without AUTH" "$(fields 'sctp.data_payload_proto_id == 47 && !(sctp.chunk_type == 15)' frame.number)" ""
is "AUTH without DTLS" "$(fields 'sctp.chunk_type == 15 && !(sctp.data_payload_proto_id == 47)' frame.number)" ""
is "keys" "$(fields 'sctp.chunk_type == 15' sctp.shared_key_id | tr , '\n' | all)" "0 1"
is "under the new key nothing of the handshake but Finished, which is sealed" \
	"$(fields 'sctp.chunk_type == 15 && sctp.shared_key_id == 1 && dtls.handshake.type' dtls.handshake.type)" ""
is "under the empty key no data" "$(fields 'sctp.shared_key_id == 0 && dtls.record.content_type == 23' frame.number)" ""
# ClientHello, ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone, CertificateVerify,
# ClientKeyExchange; no HelloVerifyRequest (3).
is "the handshake" "$(fields dtls.handshake.type dtls.handshake.type | tr , '\n' | sort -n | uniq | paste -sd' ')" "1 2 11 12 13 14 15 16"
is "its version" "$(fields 'dtls.handshake.type == 2' dtls.handshake.version | all)" "0xfefd"
is "more than one record in a message" "$(fields 'dtls' sctp.data_payload_proto_id dtls.record.content_type |
	awk -F'\t' 'split($1, a, ",") != split($2, b, ",")' | head -3)" ""
like "Diameter in the clear" "$(fields 'sctp.data_payload_proto_id == 46 && diameter.cmd.code == 257' frame.number | wc -l)" '[1-9]*'
is "Diameter under DTLS is not to be seen" "$(fields 'sctp.data_payload_proto_id == 47 && diameter' frame.number)" ""
case_end
