#!/bin/bash
# The store: locked, full, read-only, gone; what an administrator changes while
# the node runs; and starts that have to be refused.
. "$SRC/tests/system/case.sh"
case_begin
LAB_BUSY_MS=250
trap 'lab_stop; umount -l "$case_dir/lab/db" "$case_dir/lab/ro" "$case_dir/lab/db" 2>/dev/null; rm -rf "$case_dir"' EXIT
LAB_DB=$case_dir/lab/db/iwf.db
mkdir -p "$case_dir/lab/db" "$case_dir/lab/ro"
# A disk of its own, that can be full and made read-only: takes root and the right to mount.
disk=no
[ "$(id -u)" = 0 ] && mount -t tmpfs -o size=6m iwf-test "$case_dir/lab/db" 2>/dev/null && disk=yes
lab_make "$case_dir/lab" || exit 1
lab_devices now soon
acme=scs.acme.example
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	drr_timeout_ms = 500; drr_retries = 60; default = { after_ms = 100; };
	devices = ( { ext_id = "soon@iot.example.com"; after_ms = 2000; } );
END
lab_sql "UPDATE scs SET rate_per_s = 100000, burst = 100000"

n=100
field() { jq -r "select(.type == \"$1\") | .$2"; }
# One connection that stays: a store that is away keeps new ones out.
scs_open() { coproc SCS { scs $acme --json script 2>&1; }; }
scs_close() { local pid=${SCS_PID:-}; [ -z "$pid" ] || { eval "exec ${SCS[1]}>&-"; wait "$pid"; }; }
# DEVICE [OPTIONS]: sets status and n
act() {
	local line device=$1
	shift
	n=$((n + 1)) status="no answer"
	echo "trigger --ext-id $device@iot.example.com --reference $n $*" >&"${SCS[1]}"
	while IFS= read -r -t 20 -u "${SCS[0]}" line; do
		case $line in
		*'"type":"answer"'*"\"reference\":$n,"*) status=$(field answer status <<<"$line"); return;;
		*'"type":"error"'* | *'connection lost'*) status=$line; return;;
		esac
	done
}
gets() { act now; [ "$status" = "$1" ]; }
# away WHAT: the store cannot be used now
away() {
	local i
	act now
	is "$1: try again later" "$status" TEMPORARYERROR
	for i in 1 2 3; do act now; done
	is "$1: and still serving" "$status" TEMPORARYERROR
}
back() {
	lab_wait 20 gets SUCCESS
	is "$1: it recovers by itself" "$status" SUCCESS
}
# Another process that holds the write lock.
mkfifo "$LAB/lock.in"
lock() {
	sqlite3 "$LAB_DB" <"$LAB/lock.in" >"$LAB/lock.out" 2>&1 &
	locker=$!
	exec 9>"$LAB/lock.in"
	echo ".timeout 5000
BEGIN IMMEDIATE; SELECT 'locked';" >&9
	lab_wait 6 grep -q locked "$LAB/lock.out"
}
unlock() { echo 'ROLLBACK;' >&9; exec 9>&-; wait "$locker"; }

lab_start || exit 1
scs_open
act now
is "a trigger is accepted" "$status" SUCCESS

echo "# what an administrator does counts at once"
# counts NAME SQL STATUS [DEVICE]: with the very next request
counts() {
	lab_sql "$2"
	act "${4:-now}"
	is "$1" "$status" "$3"
}
counts "an SCS is disabled" "UPDATE scs SET enabled = 0 WHERE name = 'acme'" NOTAUTHORIZED
counts "and enabled" "UPDATE scs SET enabled = 1 WHERE name = 'acme'" SUCCESS
counts "its time is over" "UPDATE scs SET valid_until_ms = 1 WHERE name = 'acme'" NOTAUTHORIZED
counts "and is not" "UPDATE scs SET valid_until_ms = NULL WHERE name = 'acme'" SUCCESS
counts "a grant is revoked" "DELETE FROM \"authorization\" WHERE subscription_id = (SELECT subscription_id FROM external_id WHERE ext_id = 'now@iot.example.com')" NOTAUTHORIZED
counts "and given" "INSERT INTO \"authorization\" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x WHERE s.name = 'acme' AND x.ext_id = 'now@iot.example.com'" SUCCESS
act new
is "a device that is not there" "$status" INVEXTID
lab_devices new
counts "is added" "SELECT 1" SUCCESS new
counts "is disabled" "UPDATE subscription SET enabled = 0 WHERE id = (SELECT subscription_id FROM external_id WHERE ext_id = 'new@iot.example.com')" INVEXTID new
counts "a quota of nothing" "UPDATE scs SET quota = 0 WHERE name = 'acme'" QUOTAEXCEEDED
counts "and none" "UPDATE scs SET quota = NULL WHERE name = 'acme'" SUCCESS
lab_sql "UPDATE scs SET rate_per_s = 1, burst = 1 WHERE name = 'acme'"
works "a rate" lab_wait 3 gets RATEEXCEEDED
lab_sql "UPDATE scs SET rate_per_s = 100000, burst = 100000 WHERE name = 'acme'"

echo "# the store fails"
lock
is "another process has the lock" "$(cat "$LAB/lock.out")" locked
away "locked"
unlock
back "locked"

act soon
soon=$n
is "a trigger whose report comes while the store is locked" "$status" SUCCESS
lock
asked_to_keep() { jq -e "select(.type == \"dra\" and .reference == $soon and .result_code == 3004)" "$LAB/smssc.log" | grep -q .; }
lab_wait 10 asked_to_keep
unlock
confirmed() { jq -e "select(.type == \"dra\" and .reference == $soon and .result_code == 2001)" "$LAB/smssc.log" | grep -q .; }
lab_wait 5 confirmed
is "the SMS-SC is told to keep it, then that it is kept" \
	"$(jq -r "select(.type == \"dra\" and .reference == $soon) | .result_code" "$LAB/smssc.log" | sort -u | tr '\n' ' ')" "2001 3004 "
is "and it counts" "$(lab_sql "SELECT state FROM device_trigger WHERE reference = $soon")" 5

mkdir "$LAB/away"
mv "$LAB_DB"* "$LAB/away/"
away "removed"
mv "$LAB/away/"* "$LAB/db/"
back "removed"
lab_sql ".backup $LAB/copy.db"
rm -f "$LAB_DB"*
away "deleted"
cp "$LAB/copy.db" "$LAB_DB.new" && mv "$LAB_DB.new" "$LAB_DB"
back "deleted, and a backup in its place"
mv "$LAB_DB" "$LAB/away/" && echo "this is no database, and never was one" >"$LAB_DB"
away "overwritten with something else"
rm -f "$LAB_DB"* && mv "$LAB/away/iwf.db" "$LAB_DB"
back "overwritten with something else"

if [ $disk = yes ]; then
	lab_sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	dd if=/dev/zero of="$LAB/db/filler" bs=64k 2>/dev/null
	dd if=/dev/zero bs=1k >>"$LAB/db/filler" 2>/dev/null
	away "disk full"
	rm "$LAB/db/filler"
	back "disk full"

	lab_sql ".backup $LAB/ro/iwf.db"
	# In one step: the node looks for its database at any moment, and what it has open cannot be made read-only.
	mount --bind "$LAB/ro" "$LAB/ro" && mount -o remount,ro,bind "$LAB/ro" && mount --bind "$LAB/ro" "$LAB/db"
	works "another disk is in its place, read-only" [ ! -w "$LAB/db" ]
	away "read-only"
	umount -l "$LAB/db"
	back "read-only"
else
	echo "# skipped: a full and a read-only disk (no right to mount here)"
fi
works "the audit's chain is whole" iwfctl audit verify
is "nothing is left half done" "$(lab_sql 'SELECT count(*) FROM device_trigger WHERE state = 1')" 0
is "one line says that it is gone, one that it is back, each time" \
	"$(grep -c 'requests are answered TEMPORARYERROR until it is back' "$LAB/node.log")" "$(grep -c 'node notice: store .* is back' "$LAB/node.log")"
scs_close
lab_node_stop
is "the node ends cleanly" $? 0

echo "# starts that are refused"
good=$(grep -v '^policy = ' "$LAB/mtc-iwf.conf")
# refused NAME PATTERN: with the files as they are; freeDiameter must end by itself, and the log say so.
refused() {
	local out status
	lab_write_fd_conf
	[ -z "${edit:-}" ] || sed -i "$edit" "$LAB/freeDiameter.conf"
	out=$( (lab_host -c "$LAB/freeDiameter.conf") 2>&1 & pid=$!; for i in $(seq 100); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
		kill -KILL $pid 2>/dev/null && echo "it runs"; wait $pid; echo "status $?")
	status=${out##*status }
	case $out in
	*"it runs"*) case_not_ok "$1: refused" "it runs";;
	*) if [ "$status" != 0 ]; then case_ok "$1: refused"; else case_not_ok "$1: refused" "status 0"; fi;;
	esac
	like "$1: and why" "$(grep -v '^ok' <<<"$out" | tail -30)" "*$2*"
}
line=$(wc -l <<<"$good")
conf() { { echo "$good"; printf '%s\n' "$@"; } >"$LAB/mtc-iwf.conf"; }
swap() { sed "$1" <<<"$good" >"$LAB/mtc-iwf.conf"; }
where() { grep -n "$1" "$LAB/mtc-iwf.conf" | head -1 | cut -d: -f1; }
conf 'policy = { payload_maximum = 5; };'
refused "unknown key" "mtc-iwf.conf:$((line + 1)): *payload_maximum*"
conf 'policy = {' ' rate_per_s = "many"; };'
refused "wrong type" "mtc-iwf.conf:$((line + 2)): policy.rate_per_s*a number from*"
conf 'node = { queue_max = 0; };'
refused "out of range" "mtc-iwf.conf:$((line + 1)): node.queue_max*1000000*"
conf 'policy = { rate_per_s = 5'
refused "a brace is missing" "mtc-iwf.conf:*syntax error*"
conf "privacy = { hash_key_file = \"$LAB/none.key\"; };"
refused "a file is missing" "mtc-iwf.conf:$((line + 1)): privacy.hash_key_file*none.key*No such file*"
swap 's/source = "local"/source = "hss"/; s/^\( *\)s6m = .*/\1/'
refused "an HSS is missing" "mtc-iwf.conf:$(where 'source = "hss"'): identity.source*"
swap 's/host = "smssc/host = "smssc-/'
swap 's/t4 = { smssc.*/t4 = { smssc = ( ); };/'
refused "an SMS-SC is missing" "mtc-iwf.conf:$(where 'smssc = ( )')*t4.smssc*"
swap 's/realm = "operator.example"; priority/realm = "not a realm"; priority/'
refused "no Diameter identity" "mtc-iwf.conf:$(where 'not a realm'): t4.smssc*realm*"
conf 'policy = { payload_maximum = 5; };' 'node = 5;' 'nothing = 1;'
refused "three mistakes: all are told" ":$((line + 1)): *payload_maximum*:$((line + 2)): node*:$((line + 3)): nothing*"
swap "s#sqlite:[^\"]*#sqlite:$LAB/none/iwf.db#"
refused "no database" "mtc-iwf.conf:$(where 'store = '): store.uri*none/iwf.db*"
swap "s#sqlite:[^\"]*#sqlite:$LAB/freeDiameter.conf#"
refused "no database, but a file" "mtc-iwf.conf:$(where 'store = '): store.uri*not a database*"
sqlite3 "$LAB/other.db" 'CREATE TABLE t (x); PRAGMA application_id = 77;'
swap "s#sqlite:[^\"]*#sqlite:$LAB/other.db#"
refused "the database of another program" "mtc-iwf.conf:$(where 'store = '): store.uri*another program*"
cp "$LAB/copy.db" "$LAB/old.db" && sqlite3 "$LAB/old.db" 'PRAGMA user_version = 0'
swap "s#sqlite:[^\"]*#sqlite:$LAB/old.db#"
refused "a schema that is too old" "mtc-iwf.conf:$(where 'store = '): store.uri*version 0*migrate*"
sqlite3 "$LAB/old.db" 'PRAGMA user_version = 99'
refused "a schema that is too new" "mtc-iwf.conf:$(where 'store = '): store.uri*version 99*newer*"
if [ $disk = yes ]; then
	mount --bind "$LAB/ro" "$LAB/ro" && mount -o remount,ro,bind "$LAB/ro"
	swap "s#sqlite:[^\"]*#sqlite:$LAB/ro/iwf.db#"
	refused "a database that cannot be written" "mtc-iwf.conf:$(where 'store = '): store.uri*not written*"
	umount "$LAB/ro"
fi
echo "$good" >"$LAB/mtc-iwf.conf"
edit="s#pki/$lab_node.crt#pki/$acme.crt#; s#pki/$lab_node.key#pki/$acme.key#" refused "another's certificate" "*does not match*$lab_node*"
edit='s#/mtc-iwf.conf#/nowhere.conf#' refused "no configuration" "*nowhere.conf*"
edit='/dict_mtc.fdx/d' refused "no dictionary" "*dict_mtc*"
cp "$LAB/mtc-iwf.conf" "$LAB/second.conf"
edit='/app_tsp/s#/mtc-iwf.conf#/second.conf#' refused "two configurations" "*second.conf*"
lab_node_start
is "and with all mended it starts" $? 0
lab_node_stop
is "and ends" $? 0
case_end
