#!/bin/bash
# A disk that takes writes and then does not get them down: nobody is told that something is accepted which is not on
# disk, who asks meanwhile hears so at once, and it goes on by itself when the disk does.
LAB_TMP=   # on a disk
. "$SRC/tests/system/case.sh"
case_begin
LAB_T4='timeout_ms = 60000;'
lab_make "$case_dir/lab" || exit 1
acme=scs.acme.example
lab_devices d0
# A report that comes while the disk is bad would find out before the request does.
sed -i 's/^default = .*/default = { outcome = "no-report"; };/' "$LAB/sim-smssc.conf"
export BAD_DISK=$LAB/bad
lab_host() { lab_sanitized "$BUILD/tests/support/fd_bad_disk" "$@"; }
lab_start || exit 1
sleep 1
mkfifo "$LAB/scs.in"
scs $acme --json script <"$LAB/scs.in" >"$LAB/scs.log" 2>&1 &
scs=$!
exec {in}>"$LAB/scs.in"
ask() { echo "trigger --ext-id d0@iot.example.com --payload x --reference $1" >&"$in"; }
answer() { jq -rR "fromjson? | select(.type == \"answer\" and .reference == $1) | \"\(.result_code) \(.status)\"" "$LAB/scs.log"; }
answered() { [ -n "$(answer "$1")" ]; }
dtrs() { jq -rR "fromjson? | select(.type == \"dtr\" and .reference == $1) | .reference" "$LAB/smssc.log" | wc -l; }
in_store() { [ "$(lab_sql "SELECT count(*) FROM device_trigger WHERE reference = $1")" = 1 ]; }
ask 1
lab_wait 10 answered 1
is "a disk that works: accepted" "$(answer 1)" "2001 SUCCESS"

for round in 1 2; do
	n=$((round * 10))
	touch "$LAB/bad"
	ask $n
	lab_wait 10 in_store $n
	lab_wait 10 grep -q "does not reach the disk" "$LAB/node.log"
	is "$round: the log says which file and why" "$(grep -c 'does not reach the disk: .*-wal: Input/output error' "$LAB/node.log")" $round
	ask $((n + 1))
	lab_wait 10 answered $((n + 1))
	is "$round: who asks meanwhile hears at once" "$(answer $((n + 1)))" "2001 TEMPORARYERROR"
	sleep 1
	is "$round: what is not on disk is not accepted" "$(answer $n)" ""
	is "$round: nor sent to the SMS-SC" "$(dtrs $n)" 0
	rm "$LAB/bad"
	lab_wait 10 answered $n
	is "$round: when the disk works it is accepted" "$(answer $n)" "2001 SUCCESS"
	lab_wait 10 grep -q "on disk again" "$LAB/node.log"
	is "$round: which the log says" "$(grep -c 'on disk again' "$LAB/node.log")" $round
	ask $((n + 2))
	lab_wait 10 answered $((n + 2))
	is "$round: and new ones are" "$(answer $((n + 2)))" "2001 SUCCESS"
	is "$round: one DTR for each" "$(dtrs $n) $(dtrs $((n + 1))) $(dtrs $((n + 2)))" "1 0 1"
done

echo "# somebody reads while the disk comes back"
mkfifo "$LAB/sql.in"
sqlite3 "$LAB_DB" <"$LAB/sql.in" >"$LAB/sql.out" &
reader=$!
exec {sql}>"$LAB/sql.in"
echo "BEGIN; SELECT count(*) FROM scs;" >&"$sql"
lab_wait 10 test -s "$LAB/sql.out"
touch "$LAB/bad"
ask 25
lab_wait 10 in_store 25
sleep 1
rm "$LAB/bad"
lab_wait 10 grep -q "a transaction that reads from the file" "$LAB/node.log"
is "the log says what it waits for" "$(grep -c 'a transaction that reads from the file' "$LAB/node.log")" 1
is "and nothing is accepted" "$(answer 25)" ""
exec {sql}>&-
wait $reader
lab_wait 10 answered 25
is "until that ends" "$(answer 25)" "2001 SUCCESS"

echo "# asked to end while the disk is bad"
touch "$LAB/bad"
ask 30
lab_wait 10 in_store 30
sleep 1
lab_node_stop
is "it ends" $? 0
is "what was not on disk is to be tried again" "$(answer 30)" "2001 TEMPORARYERROR"
exec {in}>&-
wait $scs
rm "$LAB/bad"
sent() { [ "$(dtrs 30)" = 1 ]; }
lab_node_start || exit 1
lab_wait 40 sent
is "as it was still in the store, the next start sends it" "$(dtrs 30)" 1
lab_node_stop
is "it ends cleanly" $? 0
case_end
