#!/bin/sh
# wireshark.sh - tshark with the overlay knows every AVP and value of the dictionary.
#
#   SRC=<source directory> BUILD=<build directory> tests/system/wireshark.sh
#
# Exit status 0: passed, 77: skipped, else failed.
set -u
BUILD=$(cd "${BUILD:-.}" && pwd)
SRC=$(cd "${SRC:-$(dirname "$0")/../..}" && pwd)
skip() { echo "SKIP: $1"; exit 77; }
fail() { echo "FAIL: $1"; exit 1; }
for tool in tshark text2pcap; do
	command -v $tool >/dev/null || skip "$tool is not installed (tshark)"
done
[ -x "$BUILD/tests/support/wire_samples" ] || fail "$BUILD/tests/support/wire_samples is not built (make check builds it)"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# As root Wireshark does not follow WIRESHARK_DATA_DIR.
as_user=
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || skip "as root, without setpriv"
	as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi

MTC_WIRESHARK_XML=$BUILD/gen/wireshark-diameter.xml sh "$SRC/dict/wireshark-overlay" "$work/view" >/dev/null ||
	fail "the overlay cannot be made"
"$BUILD/tests/support/wire_samples" | text2pcap -q -T 3868,40000 - "$work/all.pcap" 2>"$work/err" || fail "$(cat "$work/err")"

# show DIRECTORY: the tree of all messages, with that data directory.
show() {
	env -u WIRESHARK_DATA_DIR HOME=/nonexistent ${1:+WIRESHARK_DATA_DIR="$1"} $as_user tshark -r - -V -O diameter < "$work/all.pcap" 2>"$work/err"
}
show "$work/view" > "$work/with.txt" || fail "tshark: $(cat "$work/err")"
show '' > "$work/without.txt"

count() { grep -c "$2" "$work/$1.txt"; }
messages=$(count with 'Diameter Protocol')
[ "$messages" -ge 300 ] || fail "tshark sees $messages messages only"
unknown=$(grep -E 'Unknown|Malformed|Dissector bug' "$work/with.txt" | sort | uniq -c | head)
[ -z "$unknown" ] || fail "not known to tshark with the overlay: $unknown"
[ "$(count without Unknown)" -gt 0 ] || echo "note: this Wireshark knows everything without the overlay"
for name in DEVICE_TRIGGER_REPLACE REPLACEFAIL ORIGINALMESSAGESENT UNCONFIRMED SMS_MO VALIDITY_TIME_EXPIRED RECALL \
            ORIGINAL_MESSAGE_NOT_DELETED PRIORITY_15 REALM_REPORT Feature-Supported-In-Final-Target SMSF-Non-3GPP-Realm; do
	[ "$(count with "$name")" -gt 0 ] || fail "$name is not shown"
done
echo "ok: $messages messages, nothing unknown (without the overlay: $(count without Unknown) lines)"
