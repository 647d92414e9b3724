/* service_audit.c - what is written into the audit, and what is removed when it is old. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "hash.h"
#include "service_int.h"

#define PRUNE_PORTION  500        /* rows a tick */
#define PRUNE_EVERY_MS 3600000    /* when nothing is left to remove */
#define DAY_MS         INT64_C(86400000)

/* ---- who and what it is about */

void svc_text(struct iwf_view text, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		const size_t len = text.p[i] ? 1 : 2;

		if (n + len >= size) {
			memcpy(out + size - sizeof "...", "...", sizeof "...");
			return;
		}
		/* A NUL would end the text: it is written as modified UTF-8 has it. */
		if (!text.p[i])
			out[n++] = (char)0xc0;
		out[n++] = text.p[i] ? (char)text.p[i] : (char)0x80;
	}
	out[n] = '\0';
}

/* TBCD as digits where it is a number, otherwise as it came. */
static void print_msisdn(struct iwf_view tbcd, char *out, size_t size)
{
	char digits[IWF_DIGITS_MAX + 1], hex[2 * 16 + 1];
	size_t n = tbcd.n < 16 ? tbcd.n : 16;

	if (!iwf_e164_from_tbcd(tbcd, digits)) {
		snprintf(out, size, "%s", digits);
		return;
	}
	iwf_hex(tbcd.p, n, hex);
	snprintf(out, size, "0x%s%s", hex, n < tbcd.n ? "..." : "");
}

void svc_about_dar(struct svc_about *a, const struct tsp_dar *dar, int64_t scs_id, int64_t subscription_id)
{
	char msisdn[40] = "", ext_id[sizeof a->device - sizeof msisdn] = "";

	*a = (struct svc_about){ .scs_id = scs_id, .subscription_id = subscription_id, .reference = dar->reference,
	                         .event = tsp_action_str(dar->action) };
	svc_text(dar->peer, a->peer, sizeof a->peer);
	svc_text(dar->origin_host, a->origin_host, sizeof a->origin_host);
	svc_text(dar->peer_address, a->address, sizeof a->address);
	svc_text(dar->peer_cert, a->cert, sizeof a->cert);
	if (dar->has_ext_id)
		svc_text(dar->ext_id, ext_id, sizeof ext_id);
	if (dar->has_msisdn)
		print_msisdn(dar->msisdn, msisdn, sizeof msisdn);
	snprintf(a->device, sizeof a->device, "%s%s%s", ext_id, dar->has_ext_id && dar->has_msisdn ? " " : "", msisdn);
}

static void copy_str(const char *text, char *out, size_t size)
{
	svc_text((struct iwf_view){ (const uint8_t *)text, strlen(text) }, out, size);
}

void svc_about_row(struct svc_about *a, const struct iwf_trigger *row)
{
	*a = (struct svc_about){ .scs_id = row->scs_id, .subscription_id = row->subscription_id, .reference = row->reference,
	                         .event = tsp_action_str(row->action) };
	copy_str(row->dest_host, a->origin_host, sizeof a->origin_host);
	copy_str(row->ext_id[0] ? row->ext_id : row->msisdn, a->device, sizeof a->device);
}

void svc_about_drr(struct svc_about *a, const struct t4_drr *drr)
{
	*a = (struct svc_about){ .reference = drr->has_reference ? (int64_t)drr->reference : -1, .event = "report" };
	copy_str(drr->peer, a->peer, sizeof a->peer);
	copy_str(drr->origin_host, a->origin_host, sizeof a->origin_host);
	copy_str(drr->ext_id[0] ? drr->ext_id : drr->msisdn, a->device, sizeof a->device);
}

static const char *or_null(const char *s) { return s && *s ? s : NULL; }

/* ---- rows, and refusals that repeat */

/* "[192.0.2.7]:41234" without the port. */
static void without_port(const char *address, char *out, size_t size)
{
	const char *end = address ? strrchr(address, ':') : NULL;
	const size_t n = !address ? 0 : end && (end > address && end[-1] == ']') ? (size_t)(end - address) : strlen(address);

	snprintf(out, size, "%.*s", (int)n, n ? address : "");
}

/* A flood of refusals of one kind from one source is told by a few rows and one with a count. */
static bool may_repeat(const struct iwf_service *svc, const struct iwf_audit *row)
{
	return svc->conf->audit_repeat_after && strcmp(row->event, "admin") != 0 &&
	       (strcmp(row->decision, "refused") == 0 || strcmp(row->decision, "failed") == 0);
}

enum iwf_err iwf_service_audit(struct iwf_service *svc, const struct iwf_audit *row)
{
	bool tell = true;

	if (may_repeat(svc, row)) {
		char address[sizeof ((struct svc_about *)0)->address];
		struct iwf_audit kind = *row;
		enum iwf_err err;

		without_port(row->address, address, sizeof address);
		kind.address = or_null(address);
		err = STORE(svc, audit_count, &kind, svc->conf->audit_repeat_after, &tell);
		if (err)
			return err;
	}
	return tell ? STORE(svc, audit_add, row) : IWF_OK;
}

enum iwf_err svc_audit(struct iwf_service *svc, const struct svc_about *a, const char *decision, enum iwf_reason reason, int status,
                       const char *detail)
{
	const struct iwf_audit row = {
		.at_ms = svc->now_ms, .event = a->event, .decision = decision, .reason = reason, .request_status = status,
		.scs_id = a->scs_id, .peer = or_null(a->peer), .origin_host = or_null(a->origin_host),
		.address = or_null(a->address), .cert = or_null(a->cert), .device = or_null(a->device),
		.subscription_id = a->subscription_id, .reference = a->reference, .detail = or_null(detail),
		.mtc_user_id = a->mtc_user_id,
	};

	return iwf_service_audit(svc, &row);
}

enum iwf_err svc_audit_refusal(struct svc_ask *a)
{
	struct svc_about about;

	svc_about_dar(&about, a->dar, a->scs.id, a->has_local ? a->sub.id : 0);
	about.mtc_user_id = a->has_local ? a->sub.mtc_user_id : 0;
	return svc_audit(a->svc, &about, a->reply.status == TSP_TEMPORARYERROR ? "failed" : "refused", a->reason,
	                 (int)a->reply.status, a->detail);
}

enum iwf_err svc_txn_refuse(struct iwf_service *svc, struct svc_txn *t, struct svc_ask *a, struct iwf_effects *fx)
{
	enum iwf_err err = svc_audit_refusal(a);

	if (!err)
		svc_txn_end(svc, t, &a->reply, fx);
	return err;
}

/* ---- what the tick does */

enum iwf_err svc_audit_tick(struct iwf_service *svc)
{
	size_t n;

	if (svc->now_ms < svc->told_ms + 1000 && svc->now_ms >= svc->told_ms)
		return IWF_OK;
	svc->told_ms = svc->now_ms;
	return STORE(svc, audit_tell, svc->now_ms - (int64_t)svc->conf->audit_repeat_s * 1000, svc->now_ms, SVC_PORTION, &n);
}

static enum iwf_err prune_audit(struct iwf_service *svc, size_t *n)
{
	const int64_t before_ms = svc->now_ms - svc->conf->audit_retention_days * DAY_MS;
	struct iwf_audit row = { .at_ms = svc->now_ms, .event = "admin", .decision = "accepted", .request_status = -1, .reference = -1 };
	struct iwf_audit_cut cut;
	char detail[160];
	enum iwf_err err = STORE(svc, audit_prune, before_ms, INT64_MAX, svc->now_ms, PRUNE_PORTION, n, &cut);

	if (err || !*n)
		return err;
	snprintf(detail, sizeof detail, "audit.retention_days: rows up to %" PRId64 " removed, hash %s", cut.last_id, cut.hash);
	row.detail = detail;
	return STORE(svc, audit_add, &row);
}

enum iwf_err svc_prune_tick(struct iwf_service *svc)
{
	size_t audit = 0, journal = 0;
	enum iwf_err err = IWF_OK;

	if (svc->now_ms < svc->prune_ms && svc->now_ms > svc->prune_ms - 2 * PRUNE_EVERY_MS)
		return IWF_OK;
	if (svc->conf->audit_retention_days)
		err = prune_audit(svc, &audit);
	if (!err && svc->conf->journal_retention_days)
		err = STORE(svc, journal_prune, svc->now_ms - svc->conf->journal_retention_days * DAY_MS, PRUNE_PORTION, &journal);
	if (!err && audit < PRUNE_PORTION && journal < PRUNE_PORTION)
		svc->prune_ms = svc->now_ms + PRUNE_EVERY_MS;
	return err;
}
