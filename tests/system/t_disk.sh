#!/bin/bash
# A disk that is full, again and again, while two SCSs send triggers; readers of
# the store that come and go, and one that stays.  Nothing accepted is lost, it
# goes on by itself, and the write-ahead log stays short, or the node says why not.
#
#   DISK_ROUNDS=N   how often the disk is full (3)
# The disk is one of its own, in a mount namespace of its own.
if [ -z "${IWF_OWN_DISK:-}" ]; then
	own="unshare -m"
	[ "$(id -u)" = 0 ] || own="unshare -rm"
	$own mount -t tmpfs iwf-test /mnt 2>/dev/null || { echo "skipped: no right to mount here"; exit 77; }
	IWF_OWN_DISK=yes exec $own "$0"
fi
LAB_T4='timeout_ms = 1500;'
. "$SRC/tests/system/case.sh"
case_begin
exec </dev/null
trap 'drive_off; lab_stop; umount -l "$LAB/db"; rm -rf "$case_dir"' EXIT
drive_burst=3
. "$SRC/tests/system/drive.sh"
. "$SRC/tests/system/books.sh"
LAB_DB=$case_dir/lab/db/iwf.db
mkdir -p "$case_dir/lab/db"
mount -t tmpfs -o size=30m iwf-test "$case_dir/lab/db" || exit 1
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example nord=scs.nordtrack.example
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; listen = "127.0.0.1"; port = 0;
	store_file = "$LAB/smssc.book"; drr_timeout_ms = 1000; drr_retries = 1000; default = { after_ms = 300; };
END
lab_devices d0 d1
lab_sql <<-END
	UPDATE scs SET rate_per_s = 100000, burst = 100000, quota = NULL;
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger) SELECT s.id, x.subscription_id, 1 FROM scs s, external_id x
	  WHERE s.name = 'nordtrack' AND x.ext_id LIKE 'd_@iot.example.com';
	CREATE TABLE ballast (octets BLOB);
END
request() { echo "trigger --ext-id d$(($1 % 2))@iot.example.com --reference $1 --e2e $1 --payload x ${2:-}"; }
log_mb() { echo $(($(stat -c %s "$LAB_DB-wal" 2>/dev/null || echo 0) >> 20)); }
# so_many COUNT STATUS A N: each has so many more answers with it than A and N
so_many() { [ "$(drive_new acme "$2")" -ge $(($3 + $1)) ] && [ "$(drive_new nord "$2")" -ge $(($4 + $1)) ]; }
hear() { works "$1" lab_wait 40 so_many 10 "$2" "$(drive_new acme "$2")" "$(drive_new nord "$2")"; }
fill() {
	lab_sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null 2>&1
	dd if=/dev/zero of="$LAB/db/filler" bs=64k 2>/dev/null
	dd if=/dev/zero bs=1k >>"$LAB/db/filler" 2>/dev/null
}

lab_start || exit 1
drive_on acme $acme 1000000
drive_on nord $nord 2000000
hear "both SCSs are served" SUCCESS

rounds=${DISK_ROUNDS:-3}
for i in $(seq "$rounds"); do
	fill
	hear "full disk: try again later" TEMPORARYERROR
	rm "$LAB/db/filler"
	hear "space again: accepted" SUCCESS
done

# The node dies on a full disk, and is started on it.
fill
hear "full disk: try again later" TEMPORARYERROR
lab_kill node KILL 2>/dev/null
lab_node_start
is "it starts on a full disk" $? 0
hear "and says so to each" TEMPORARYERROR
rm "$LAB/db/filler"
hear "space again: accepted" SUCCESS

# ---- readers -----------------------------------------------------------------------

mount -o remount,size=400m "$LAB/db" || exit 1
# Four that read for 300 ms each, so that there is always one; they show how long the log is.
reader() {
	local tick
	exec {tick}<> <(:)
	while [ ! -e "$LAB/read" ]; do
		{ echo "BEGIN; SELECT count(*) FROM scs;"; read -r -t 0.3 -u "$tick"; echo "END;"; } | sqlite3 -cmd ".timeout 2000" "$LAB_DB" >/dev/null
		log_mb >>"$LAB/log.mb"
	done
}
ballast() { lab_sql "INSERT INTO ballast VALUES (zeroblob($1000000)); DELETE FROM ballast"; }
readers=
exec {tick}<> <(:)
for i in 1 2 3 4; do reader & readers="$readers $!"; done
for i in $(seq 20); do
	ballast 5
	read -r -t 1 -u "$tick"
done
hear "readers come and go: triggers are accepted" SUCCESS
touch "$LAB/read"
wait $readers
longest=$(sort -n "$LAB/log.mb" | tail -1)
echo "# the log of what were more than 200 MB was at most $longest MB long"
works "it was kept short" test "$longest" -lt 200

mkfifo "$LAB/reader.in"
sqlite3 "$LAB_DB" <"$LAB/reader.in" >/dev/null 2>&1 &
reader=$!
exec {hold}>"$LAB/reader.in"
echo "BEGIN; SELECT count(*) FROM scs;" >&"$hold"
said() { tail -n +$(($1 + 1)) "$LAB/node.log" | grep -q "$2"; }
mark=$(wc -l <"$LAB/node.log")
for i in 1 2 3 4 5 6 7; do ballast 10; done
works "one stays: the log says who" lab_wait 20 said "$mark" "write-ahead log has grown to [0-9]* MB, since process $reader (sqlite3) has been reading"
hear "and triggers are accepted" SUCCESS
exec {hold}>&-
wait $reader
works "it goes: the log is short again" lab_wait 90 said "$mark" "write-ahead log is short again"
is "and its file" "$(($(log_mb) < 32))" 1
hear "and triggers are accepted" SUCCESS

drive_off
books_compare "$((rounds + 1)) full disks"
lab_node_stop
is "the node ends cleanly" $? 0
case_end
