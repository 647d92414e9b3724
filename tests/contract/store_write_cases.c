/* store_write_cases.c - outbox, quota, audit and transactions, on every back end alike. */
#include <stdio.h>
#include <string.h>
#include "../support/store_fail.h"
#include "check_store.h"

/* ---- the outbox ---- */

static void same_report(const struct iwf_report *got, const struct iwf_report *want)
{
	ck_assert_int_eq(got->id, want->id);
	ck_assert_int_eq(got->trigger_id, want->trigger_id);
	ck_assert_int_eq(got->scs_id, want->scs_id);
	ck_assert_str_eq(got->dnr.dest_host, want->dnr.dest_host);
	ck_assert_str_eq(got->dnr.dest_realm, want->dnr.dest_realm);
	ck_assert_str_eq(got->dnr.ext_id, want->dnr.ext_id);
	ck_assert_str_eq(got->dnr.msisdn, want->dnr.msisdn);
	ck_assert_str_eq(got->dnr.scs_identity, want->dnr.scs_identity);
	ck_assert_uint_eq(got->dnr.reference, want->dnr.reference);
	ck_assert_int_eq(got->dnr.outcome, want->dnr.outcome);
	ck_assert_int_eq(got->dnr.retransmitted, want->dnr.retransmitted);
	ck_assert_int_eq(got->created_ms, want->created_ms);
	ck_assert_int_eq(got->next_ms, want->next_ms);
	ck_assert_int_eq(got->expires_ms, want->expires_ms);
	ck_assert_uint_eq(got->attempts, want->attempts);
}

START_TEST(reports)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t = trigger_row(scs, 1);
	struct iwf_report r, bare = { .scs_id = scs }, out;

	OK(st->ops->trigger_insert(st, &t));
	r = report_row(t.id, scs, 5000);
	OK(st->ops->report_insert(st, &r));
	OK(st->ops->report_get(st, r.id, &out));
	same_report(&out, &r);
	bare.trigger_id = t.id;
	strcpy(bare.dnr.dest_host, "h.example");
	strcpy(bare.dnr.dest_realm, "example");
	OK(st->ops->report_insert(st, &bare));
	OK(st->ops->report_by_trigger(st, t.id, &out));
	same_report(&out, &bare);
	FAILS(IWF_ENOENT, st->ops->report_by_trigger(st, 99, &out));

	OK(st->ops->report_retry(st, r.id, 6000, 1));
	r.next_ms = 6000;
	r.attempts = 1;
	r.dnr.retransmitted = true;
	OK(st->ops->report_get(st, r.id, &out));
	same_report(&out, &r);
	OK(st->ops->report_retry(st, r.id, 7000, 4294967295u));
	OK(st->ops->report_get(st, r.id, &out));
	ck_assert_uint_eq(out.attempts, 4294967295u);
	FAILS(IWF_ENOENT, st->ops->report_retry(st, 99, 1, 1));

	OK(st->ops->report_delete(st, bare.id));
	FAILS(IWF_ENOENT, st->ops->report_delete(st, bare.id));
	FAILS(IWF_ENOENT, st->ops->report_get(st, bare.id, &out));
	OK(st->ops->report_by_trigger(st, t.id, &out));
	ck_assert_int_eq(out.id, r.id);
	out = report_row(t.id, scs, 1);                  /* a late answer to the deleted one must find nothing */
	OK(st->ops->report_insert(st, &out));
	ck_assert_int_gt(out.id, bare.id);
	iwf_store_close(st);
}
END_TEST

START_TEST(reports_due)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	static const int64_t next[] = { 300, 100, 200, 100, 301 };
	struct iwf_trigger t = trigger_row(scs, 1);
	struct iwf_report out[8];
	int64_t id[5];
	size_t n;

	OK(st->ops->trigger_insert(st, &t));
	for (size_t i = 0; i < 5; i++) {
		struct iwf_report r = report_row(t.id, scs, next[i]);

		if (i == 4)
			strcpy(r.dnr.dest_host, "Other.example");
		OK(st->ops->report_insert(st, &r));
		id[i] = r.id;
	}
	OK(st->ops->report_due(st, 99, out, 8, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->report_due(st, 300, out, 8, &n));
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(out[0].id, id[1]);
	ck_assert_int_eq(out[1].id, id[3]);
	ck_assert_int_eq(out[2].id, id[2]);
	ck_assert_int_eq(out[3].id, id[0]);
	OK(st->ops->report_due(st, 300, out, 2, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(out[1].id, id[3]);

	OK(st->ops->report_line_up(st, "OTHER.example", 150));
	OK(st->ops->report_due(st, 150, out, 8, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(out[2].id, id[4]);
	OK(st->ops->report_line_up(st, "nobody.example", 150));
	OK(st->ops->report_line_up(st, "scs.acme.example", 150));
	OK(st->ops->report_due(st, 150, out, 8, &n));
	ck_assert_uint_eq(n, 5);
	OK(st->ops->report_retry(st, id[1], 151, 1));    /* has left the line */
	OK(st->ops->report_in_line(st, "SCS.acme.example", 150, 0, out, 8, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(out[0].id, id[0]);
	ck_assert_int_eq(out[1].id, id[2]);
	ck_assert_int_eq(out[2].id, id[3]);
	OK(st->ops->report_in_line(st, "scs.acme.example", 150, id[0], out, 1, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(out[0].id, id[2]);
	OK(st->ops->report_in_line(st, "scs.acme.example", 150, id[3], out, 8, &n));
	ck_assert_uint_eq(n, 0);
	iwf_store_close(st);
}
END_TEST

/* ---- usage and audit ---- */

START_TEST(usage)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st), total = -1;

	OK(st->ops->usage_add(st, scs, 86400000, 1, &total));
	ck_assert_int_eq(total, 1);
	OK(st->ops->usage_add(st, scs, 86400000, 41, &total));
	ck_assert_int_eq(total, 42);
	OK(st->ops->usage_add(st, scs, 172800000, 0, &total));
	ck_assert_int_eq(total, 0);
	OK(st->ops->usage_add(st, scs, 86400000, -2, &total));
	ck_assert_int_eq(total, 40);
	OK(st->ops->usage_add(st, scs, 86400000, -50, &total));
	ck_assert_int_eq(total, 0);
	OK(st->ops->usage_add(st, scs, 259200000, -1, &total));
	ck_assert_int_eq(total, 0);
	OK(st->ops->usage_add(st, scs, 0, INT64_MAX, &total));
	ck_assert_int_eq(total, INT64_MAX);
	FAILS(IWF_ESTORE, st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, INT64_MAX);
	FAILS(IWF_ENOENT, st->ops->usage_get(st, scs, 999, &total));
	OK(st->ops->usage_add(st, scs, 999, 4, &total));
	total = 0;
	OK(st->ops->usage_get(st, scs, 999, &total));
	ck_assert_int_eq(total, 4);
	iwf_store_close(st);
}
END_TEST

START_TEST(audit)
{
	struct iwf_store *st = fresh(_i);
	char longer[3000];
	const struct iwf_audit full = {
		.at_ms = 1795219200123, .event = "trigger", .decision = "refused", .reason = RS_NO_GRANT,
		.request_status = TSP_NOTAUTHORIZED, .scs_id = 7, .peer = "scs.acme.example", .origin_host = "scs.acme.example",
		.address = "192.0.2.7:41234", .cert = "00ff", .device = "meter1@iot.example.com", .subscription_id = 8,
		.reference = 4294967295, .detail = "only grants for other services", .mtc_user_id = 9, .times = 5000000000,
		.first_ms = 1795219100000,
	}, bare = { .event = "connect", .decision = "refused", .reason = RS_CERT_MISSING, .request_status = -1, .reference = -1 };
	struct iwf_audit nasty = { .event = "dar", .decision = "refused", .request_status = -1, .reference = 0,
		.device = "x\n2026-11-21 accepted\x1b[2J", .detail = longer };
	struct seed_audit out;

	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	OK(st->ops->audit_add(st, &full));
	OK(st->ops->audit_add(st, &bare));
	OK(st->ops->audit_add(st, &nasty));
	ck_assert_uint_eq(seed_audits(st), 3);
	ck_assert(seed_audit(st, 0, &out));
	ck_assert_int_eq(out.a.at_ms, full.at_ms);
	ck_assert_str_eq(out.a.event, full.event);
	ck_assert_str_eq(out.a.decision, full.decision);
	ck_assert_int_eq(out.a.reason, full.reason);
	ck_assert_int_eq(out.a.request_status, full.request_status);
	ck_assert_int_eq(out.a.scs_id, 7);
	ck_assert_str_eq(out.a.peer, full.peer);
	ck_assert_str_eq(out.a.origin_host, full.origin_host);
	ck_assert_str_eq(out.a.address, full.address);
	ck_assert_str_eq(out.a.cert, full.cert);
	ck_assert_str_eq(out.a.device, full.device);
	ck_assert_int_eq(out.a.subscription_id, 8);
	ck_assert_int_eq(out.a.reference, full.reference);
	ck_assert_str_eq(out.a.detail, full.detail);
	ck_assert_int_eq(out.a.mtc_user_id, 9);
	ck_assert_int_eq(out.a.times, 5000000000);
	ck_assert_int_eq(out.a.first_ms, 1795219100000);
	ck_assert(seed_audit(st, 1, &out));
	ck_assert(!out.a.peer && !out.a.origin_host && !out.a.address && !out.a.cert && !out.a.device && !out.a.detail);
	ck_assert_int_eq(out.a.request_status, -1);
	ck_assert_int_eq(out.a.scs_id, 0);
	ck_assert_int_eq(out.a.subscription_id, 0);
	ck_assert_int_eq(out.a.reference, -1);
	ck_assert_int_eq(out.a.mtc_user_id, 0);
	ck_assert_int_eq(out.a.times, 1);
	ck_assert_int_eq(out.a.first_ms, 0);
	ck_assert(seed_audit(st, 2, &out));
	ck_assert_str_eq(out.a.device, "x\\x0a2026-11-21 accepted\\x1b[2J");
	ck_assert_uint_eq(strlen(out.a.detail), 1023);
	ck_assert_str_eq(out.a.detail + 1020, "...");
	ck_assert_int_eq(out.a.reference, 0);
	iwf_store_close(st);
}
END_TEST

/* ---- transactions ---- */

/* One of each write. */
static void write_all(struct iwf_store *st, int64_t scs, int64_t trigger, int64_t report)
{
	struct iwf_trigger t = trigger_row(scs, 2);
	struct iwf_report r;
	int64_t total;

	OK(st->ops->trigger_insert(st, &t));
	OK(st->ops->trigger_move(st, trigger, TRG_SUBMITTING, TRG_PENDING, NULL));
	OK(st->ops->trigger_move(st, trigger, TRG_PENDING, TRG_DELIVERED, NULL));
	r = report_row(t.id, scs, 1);
	OK(st->ops->report_insert(st, &r));
	OK(st->ops->report_line_up(st, "scs.acme.example", 7));
	OK(st->ops->report_retry(st, report, 8, 3));
	OK(st->ops->report_delete(st, report));
	OK(st->ops->usage_add(st, scs, 0, 5, &total));
	ck_assert_int_eq(total, 15);
	OK(st->ops->usage_add(st, scs, 1, 5, &total));
	OK(st->ops->audit_add(st, &(struct iwf_audit){ .event = "trigger", .decision = "accepted", .request_status = 0 }));
}

START_TEST(transactions)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st), total;
	struct iwf_trigger t = trigger_row(scs, 1), out;
	struct iwf_report r, got;

	OK(st->ops->trigger_insert(st, &t));
	r = report_row(t.id, scs, 5000);
	OK(st->ops->report_insert(st, &r));
	OK(st->ops->usage_add(st, scs, 0, 10, &total));

	for (int round = 0; round < 2; round++) {        /* the second: nothing of the first is left */
		OK(st->ops->begin(st));
		write_all(st, scs, t.id, r.id);
		st->ops->rollback(st);
		ck_assert_uint_eq(seed_triggers(st), 1);
		OK(st->ops->trigger_get(st, t.id, &out));
		same_trigger(out, t);
		has_payload(st, t.id, &t);
		ck_assert_uint_eq(seed_reports(st), 1);
		OK(st->ops->report_get(st, r.id, &got));
		same_report(&got, &r);
		ck_assert_uint_eq(seed_audits(st), 0);
		OK(st->ops->usage_add(st, scs, 0, 0, &total));
		ck_assert_int_eq(total, 10);
		OK(st->ops->usage_add(st, scs, 1, 0, &total));
		ck_assert_int_eq(total, 0);
	}
	OK(st->ops->begin(st));
	write_all(st, scs, t.id, r.id);
	OK(st->ops->commit(st));
	st->ops->rollback(st);                           /* nothing to roll back: fine, and nothing lost */
	ck_assert_uint_eq(seed_triggers(st), 2);
	ck_assert_uint_eq(seed_reports(st), 1);
	ck_assert_uint_eq(seed_audits(st), 1);
	OK(st->ops->trigger_get(st, t.id, &out));
	ck_assert_int_eq(out.state, TRG_DELIVERED);
	FAILS(IWF_ENOENT, st->ops->report_get(st, r.id, &got));
	iwf_store_close(st);
}
END_TEST

START_TEST(transactions_misused)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st), total;

	FAILS(IWF_EINVAL, st->ops->commit(st));
	st->ops->rollback(st);
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	FAILS(IWF_EINVAL, st->ops->begin(st));
	OK(st->ops->commit(st));                         /* that did not end the first one */
	FAILS(IWF_EINVAL, st->ops->commit(st));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, 1);
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	iwf_store_close(st);                             /* in the middle of one */
}
END_TEST

START_TEST(conflict_within_transaction)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t = trigger_row(scs, 1), again_ = trigger_row(scs, 1), other = trigger_row(scs, 2);

	OK(st->ops->begin(st));
	OK(st->ops->trigger_insert(st, &t));
	FAILS(IWF_ECONFLICT, st->ops->trigger_insert(st, &again_));
	OK(st->ops->trigger_insert(st, &other));         /* a conflict costs only itself */
	OK(st->ops->commit(st));
	ck_assert_uint_eq(seed_triggers(st), 2);
	iwf_store_close(st);
}
END_TEST

START_TEST(changes)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs, total;
	bool changed = true;

	OK(st->ops->changed(st, &changed));
	ck_assert(!changed);
	scs = one_scs(st);
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	OK(st->ops->changed(st, &changed));
	ck_assert(!changed);
	OK(st->ops->usage_add(st, scs, 0, 1, &total));   /* our own writes are no news */
	OK(st->ops->changed(st, &changed));
	ck_assert(!changed);
	seed_number(st, scs, "49151001", true);
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	iwf_store_close(st);
}
END_TEST

/* ---- the store that fails on request ---- */

START_TEST(failing_store)
{
	struct iwf_store *st = store_fail_new(fresh(_i));
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;

	OK(st->ops->scs_by_id(st, scs, &out));
	store_fail_at(st, 2, 1, IWF_EFULL);
	OK(st->ops->begin(st));
	FAILS(IWF_EFULL, st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_str_eq(store_fail_op(st), "usage_add");
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_int_eq(total, 1);
	ck_assert_uint_eq(store_fail_calls(st), 3);
	store_fail_at(st, 1, 2, IWF_EBUSY);
	FAILS(IWF_EBUSY, st->ops->commit(st));
	FAILS(IWF_EBUSY, st->ops->scs_by_host(st, "scs.acme.example", &out));
	OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, 0);                      /* the commit that failed has rolled back */
	ck_assert_ptr_nonnull(store_fail_inner(st));
	iwf_store_close(st);
}
END_TEST

TCase *write_cases(void)
{
	TCase *tc = tcase_create("writes");

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, reports, MEM, BACKENDS);
	tcase_add_loop_test(tc, reports_due, MEM, BACKENDS);
	tcase_add_loop_test(tc, usage, MEM, BACKENDS);
	tcase_add_loop_test(tc, audit, MEM, BACKENDS);
	tcase_add_loop_test(tc, transactions, MEM, BACKENDS);
	tcase_add_loop_test(tc, transactions_misused, MEM, BACKENDS);
	tcase_add_loop_test(tc, conflict_within_transaction, MEM, BACKENDS);
	tcase_add_loop_test(tc, changes, MEM, BACKENDS);
	tcase_add_loop_test(tc, failing_store, MEM, BACKENDS);
	return tc;
}
