#!/bin/bash
# Bad input: bad_input sends it and judges the answers; here is its lab, and what
# else has to be true afterwards.
. "$SRC/tests/system/case.sh"
case_begin
LAB_NOTIFY='timeout_ms = 1000;'
lab_make "$case_dir/lab" || exit 1
cat >"$LAB/sim-smssc.conf" <<-END
	identity = "smssc.$lab_realm"; realm = "$lab_realm"; port = 0;
	default = { after_ms = 100; };
	devices = ( { ext_id = "waiting@iot.example.com"; after_ms = 3600000; },
	            { ext_id = "tracker1@iot.example.com"; after_ms = 3600000; } );
END
# A device with an MSISDN of 15 digits, one whose triggers wait at the SMS-SC, and
# no limits of rate in the way.
lab_sql <<-END
	INSERT INTO subscription (imsi, msisdn) VALUES ('001010000000015', '495100000000150'), ('001010000000016', NULL);
	INSERT INTO external_id SELECT 'waiting@iot.example.com', id, NULL FROM subscription WHERE imsi = '001010000000016';
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
	  SELECT s.id, d.id, 1, 1, 1 FROM scs s, subscription d WHERE s.name = 'acme' AND d.imsi IN ('001010000000015', '001010000000016');
	INSERT INTO "authorization" (scs_id, subscription_id, may_trigger, may_recall, may_replace)
	  SELECT s.id, d.id, 1, 1, 1 FROM scs s, subscription d WHERE s.name = 'nordtrack' AND d.imsi = '001010000000005';
	UPDATE scs SET rate_per_s = 100000, burst = 100000;
	UPDATE scs SET allow_priority = 1 WHERE name = 'acme';
END
lab_hss_start && lab_smssc_start && lab_node_start || exit 1

out=$("$(lab_tool tests/system/bad_input)" "$lab_node_secport" "$LAB/pki" "$lab_node" "$lab_realm")
status=$?
while IFS= read -r line; do
	case $line in
	'ok - '*) case_ok "${line#ok - }";;
	'not ok - '*) case_not_ok "${line#not ok - }";;
	*) echo "$line";;
	esac
done <<<"$out"
is "bad_input came to its end" $status $((case_bad > 0))

# Whatever was refused must not have been delivered, and nothing twice.
dtrs=$(jq -r 'select(.type == "dtr") | "\(.action) \(.smea) \(.reference) \(.t_flag)"' "$LAB/smssc.log")
is "the SMS-SC has seen each accepted request once" "$(wc -l <<<"$dtrs")" "$(sed -n 's/^accepted: //p' <<<"$out")"
is "and none from anybody but the node" "$(jq -r 'select(.type == "dtr") | .origin_host' "$LAB/smssc.log" | sort -u)" "$lab_node"
is "the HSS was asked nothing" "$(jq -c 'select(.type == "sir")' "$LAB/hss.log" | wc -l)" 0
is "no IMSI is in the node's log" "$(grep -c '0010100000000' "$LAB/node.log")" 0
is "the audit says whom an impostor claimed to be" \
	"$(lab_sql "SELECT DISTINCT origin_host FROM audit WHERE reason = 'origin-not-proven' ORDER BY 1" | tr '\n' ' ')" \
	"scs.nobody.example scs.nordtrack.example smssc.operator.example "
is "the audit knows the malformed ones" "$(lab_sql "SELECT count(*) > 40 FROM audit WHERE reason = 'malformed'")" 1
works "the audit's chain is whole" iwfctl audit verify
lab_node_stop
is "the node ends cleanly" $? 0
case_end
