#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "authz.h"
#include "hash.h"
#include "policy.h"
#include "service_int.h"

/* ---- verdicts */

__attribute__((format(printf, 2, 0)))
static void set_detail(struct svc_ask *a, const char *fmt, va_list ap)
{
	vsnprintf(a->detail, sizeof a->detail, fmt, ap);
}

enum iwf_err svc_refuse(struct svc_ask *a, enum tsp_status status, enum iwf_reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_detail(a, fmt, ap);
	va_end(ap);
	a->verdict = SVC_REFUSED;
	a->reply = (struct svc_reply){ DIAMETER_SUCCESS, status, -1, -1 };
	a->reason = reason;
	return IWF_OK;
}

/* The message itself is not to be had from this peer. */
static enum iwf_err refuse_message(struct svc_ask *a, enum iwf_reason reason, const char *detail)
{
	svc_refuse(a, TSP_NOTAUTHORIZED, reason, "%s", detail);
	a->reply.result_code = DIAMETER_NOT_AUTHORIZED;
	return IWF_OK;
}

/* No objection; explain wants words even so. */
enum iwf_err svc_pass(struct svc_ask *a, const char *fmt, ...)
{
	va_list ap;

	if (!a->explain)
		return IWF_OK;
	va_start(ap, fmt);
	set_detail(a, fmt, ap);
	va_end(ap);
	return IWF_OK;
}

enum tsp_status svc_unknown_device(const struct iwf_service_conf *conf)
{
	return conf->hide_unknown_devices ? TSP_NOTAUTHORIZED : TSP_INVEXTID;
}

/* A device that does not exist for this SCS.  With tsp.hide_unknown_devices it is
 * refused no sooner than one that exists and is forbidden: after the same questions
 * to the store, and to the HSS where that is asked. */
__attribute__((format(printf, 4, 5)))
static enum iwf_err refuse_device(struct svc_ask *a, enum tsp_status status, enum iwf_reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->hidden_detail, sizeof a->hidden_detail, fmt, ap);
	va_end(ap);
	if (!a->svc->conf->hide_unknown_devices || a->explain)
		return svc_refuse(a, status, reason, "%s", a->hidden_detail);
	if (!a->hidden)
		a->hidden = reason;
	return IWF_OK;
}

enum iwf_err svc_refuse_hidden(struct svc_ask *a)
{
	return svc_refuse(a, TSP_NOTAUTHORIZED, a->hidden, "%s", a->hidden_detail);
}

/* REPLACEFAIL or RECALLFAIL. */
static enum tsp_status action_failed(const struct svc_ask *a)
{
	return a->dar->action == TSP_RECALL ? TSP_RECALLFAIL : TSP_REPLACEFAIL;
}

/* ---- 2: who is it? */

bool iwf_service_is_agent(const struct iwf_service_conf *conf, struct iwf_view peer)
{
	for (size_t i = 0; i < conf->nagents; i++)
		if (iwf_diamid_eq(peer, conf->agents[i]))
			return true;
	return false;
}

static enum iwf_err scs_by_view(struct svc_ask *a, struct iwf_view host)
{
	char name[IWF_DIAMID_MAX + 1];
	enum iwf_err err;

	if (!host.n || host.n > IWF_DIAMID_MAX || memchr(host.p, '\0', host.n))
		return IWF_ENOENT;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	err = STORE(a->svc, scs_by_host, name, &a->scs);
	if (err)
		a->scs.id = 0;
	return err;
}

static enum iwf_err check_origin(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;
	const bool vouched = iwf_service_is_agent(a->svc->conf, dar->peer);
	enum iwf_err err = scs_by_view(a, vouched ? dar->origin_host : dar->peer);

	if (err && err != IWF_ENOENT)
		return err;
	if (!dar->peer.n)
		return refuse_message(a, RS_ORIGIN_NOT_PROVEN, "the connection has proven no identity");
	if (!vouched && (dar->peer.n != dar->origin_host.n ||
	                 strncasecmp((const char *)dar->peer.p, (const char *)dar->origin_host.p, dar->peer.n) != 0))
		return refuse_message(a, RS_ORIGIN_NOT_PROVEN, "Origin-Host is another than the connection's");
	if (err)
		return svc_refuse(a, TSP_NOTAUTHORIZED, RS_SCS_UNKNOWN, "no SCS of that name");
	if (!iwf_diamid_eq(dar->origin_realm, a->scs.origin_realm))
		return refuse_message(a, RS_SCS_REALM, "Origin-Realm is not the one of the SCS");
	return svc_pass(a, "SCS %s%s", a->scs.name, vouched ? ", vouched for by an agent" : "");
}

/* ---- 3 */

static enum iwf_err check_scs(struct svc_ask *a)
{
	if (!a->scs.enabled)
		return svc_refuse(a, TSP_NOTAUTHORIZED, RS_SCS_DISABLED, "SCS %s", a->scs.name);
	if (!iwf_dates_ok(a->scs.valid_from, a->scs.valid_until, a->now_ms))
		return svc_refuse(a, TSP_NOTAUTHORIZED, RS_SCS_DATES, "SCS %s", a->scs.name);
	return svc_pass(a, "enabled, within its dates");
}

/* ---- 4 */

static enum iwf_err check_scs_identity(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;

	if (dar->has_scs_identity) {
		const char *fault = iwf_e164_from_tbcd(dar->scs_identity, a->scs_identity);
		enum iwf_err err;

		if (fault)
			return svc_refuse(a, TSP_INVSCSID, RS_SCS_IDENTITY, "SCS-Identity: %s", fault);
		err = STORE(a->svc, scs_has_number, a->scs.id, a->scs_identity);
		if (err == IWF_ENOENT)
			return svc_refuse(a, TSP_INVSCSID, RS_SCS_IDENTITY, "SCS %s has no number %s", a->scs.name, a->scs_identity);
		if (err)
			return err;
	} else if (a->svc->conf->require_scs_identity) {
		return svc_refuse(a, TSP_INVSCSID, RS_SCS_IDENTITY, "SCS-Identity is missing");
	}
	snprintf(a->smea, sizeof a->smea, "%s", dar->has_scs_identity ? a->scs_identity : a->scs.e164);
	if (!a->smea[0])
		return svc_refuse(a, TSP_PERMANENTERROR, RS_SCS_NO_NUMBER, "SCS %s has no number in scs_identity", a->scs.name);
	return svc_pass(a, "%s", a->smea);
}

/* ---- 6: a retransmission? */

static void hash_view(struct iwf_hash *h, bool has, struct iwf_view v)
{
	iwf_hash_add_u64(h, has ? v.n : UINT64_MAX);
	if (has)
		iwf_hash_add(h, v.p, v.n);
}

/* Everything that was asked for, and nothing of how it was sent. */
static bool hash_content(const struct tsp_dar *dar, uint8_t out[static IWF_HASH_LEN])
{
	struct iwf_hash h;

	if (!iwf_hash_begin(&h))
		return false;
	iwf_hash_add_u64(&h, dar->action);
	hash_view(&h, dar->has_ext_id, dar->ext_id);
	hash_view(&h, dar->has_msisdn, dar->msisdn);
	hash_view(&h, dar->has_scs_identity, dar->scs_identity);
	iwf_hash_add_u64(&h, dar->reference);
	iwf_hash_add_u64(&h, dar->has_old_reference ? dar->old_reference : UINT64_MAX);
	hash_view(&h, dar->has_trigger_data, dar->payload);
	iwf_hash_add_u64(&h, dar->priority);
	iwf_hash_add_u64(&h, dar->has_port ? dar->port : UINT64_MAX);
	iwf_hash_add_u64(&h, dar->has_validity ? dar->validity_s : UINT64_MAX);
	return iwf_hash_end(&h, out);
}

static bool is_same_message(const struct svc_ask *a, const struct iwf_trigger *row)
{
	return a->dar->retransmitted || a->dar->end_to_end == row->end_to_end;
}

/* Is this DAR that row once more?  A row that has ended counts for a while only;
 * and one that ended in "try again" is not what a new try repeats, where a second
 * time does no harm, unless the message itself is the same one. */
static bool repeats(const struct svc_ask *a, const struct iwf_trigger *row)
{
	const bool harmless = row->state == TRG_REFUSED || row->action == TSP_RECALL;

	if (memcmp(row->content_hash, a->hash, sizeof a->hash) != 0)
		return false;
	if (!trg_state_is_final(row->state))
		return true;
	if (a->now_ms - row->received_ms > (int64_t)a->svc->conf->duplicate_window_s * 1000)
		return false;
	return is_same_message(a, row) || !harmless || row->request_status != TSP_TEMPORARYERROR;
}

/* A recall that has ended and now would be about another trigger, which has got the number since. */
static enum iwf_err is_about_another(struct svc_ask *a, const struct iwf_trigger *recall, bool *another)
{
	enum iwf_err err;

	*another = false;
	if (recall->action != TSP_RECALL || !trg_state_is_final(recall->state) || is_same_message(a, recall))
		return IWF_OK;
	err = STORE(a->svc, trigger_by_ref, a->scs.id, recall->reference, false, &a->original);
	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	*another = a->original.id != recall->target_id;
	return IWF_OK;
}

static void is_again(struct svc_ask *a)
{
	if (a->verdict == SVC_UNDER_WAY)
		svc_pass(a, "a retransmission of what is under way");
	else
		svc_pass(a, "a retransmission of row %" PRId64 ", %s", a->known.id, trg_state_str(a->known.state));
	if (a->verdict != SVC_UNDER_WAY && a->known.state == TRG_SUBMITTING) {
		a->running = svc_txn_by_row(a->svc, a->known.id);
		a->verdict = a->running ? SVC_UNDER_WAY : SVC_LEFT_BEHIND;
	}
}

static enum iwf_err check_retransmission(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;
	struct iwf_service *svc = a->svc;
	const bool recall = dar->action == TSP_RECALL;
	bool another;
	enum iwf_err err;

	if (!hash_content(dar, a->hash))
		return IWF_ENOMEM;
	a->running = svc_txn_by_ref(svc, a->scs.id, dar->reference, recall);
	if (a->running && memcmp(a->running->hash, a->hash, sizeof a->hash) == 0) {
		a->verdict = SVC_UNDER_WAY;
		is_again(a);
		return IWF_OK;
	}
	err = STORE(svc, trigger_by_ref, a->scs.id, dar->reference, recall, &a->known);
	/* Another trigger may have got the number since: the message is known by its end-to-end identifier, too. */
	if (dar->retransmitted && (err == IWF_ENOENT || (!err && !repeats(a, &a->known))))
		err = STORE(svc, trigger_by_e2e, a->scs.id, dar->reference, recall, dar->end_to_end,
		            a->now_ms - (int64_t)svc->conf->duplicate_window_s * 1000, &a->known);
	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	if (!repeats(a, &a->known))
		return IWF_OK;
	err = is_about_another(a, &a->known, &another);
	if (err || another)
		return err;
	a->verdict = SVC_ANSWERED_BEFORE;
	is_again(a);
	return IWF_OK;
}

/* ---- 7: numbers */

/* Reference-Number of a new trigger: nothing under way has it. */
static enum iwf_err check_number_free(struct svc_ask *a)
{
	struct iwf_trigger row;
	enum iwf_err err;

	if (svc_txn_by_ref(a->svc, a->scs.id, a->dar->reference, false))
		return svc_refuse(a, TSP_PERMANENTERROR, RS_REFERENCE_IN_USE, "another trigger of that number is under way");
	err = STORE(a->svc, trigger_by_ref, a->scs.id, a->dar->reference, false, &row);
	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	if (!trg_state_is_final(row.state))
		return svc_refuse(a, TSP_PERMANENTERROR, RS_REFERENCE_IN_USE, "row %" PRId64 " is %s", row.id, trg_state_str(row.state));
	return IWF_OK;
}

enum iwf_err svc_check_original_state(struct svc_ask *a)
{
	const struct iwf_trigger *o = &a->original;

	switch (o->state) {
	case TRG_PENDING:
		return svc_pass(a, "row %" PRId64 " is %s", o->id, trg_state_str(o->state));
	case TRG_SUBMITTING:
	case TRG_RECALLING:
	case TRG_REPLACING:
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_ORIGINAL_BUSY, "row %" PRId64 " is %s", o->id, trg_state_str(o->state));
	case TRG_DELIVERED:
	case TRG_UNDELIVERABLE:
	case TRG_UNCONFIRMED:
		return svc_refuse(a, TSP_ORIGINALMESSAGESENT, RS_ORIGINAL_SENT, "row %" PRId64 " is %s", o->id, trg_state_str(o->state));
	default:
		return svc_refuse(a, action_failed(a), RS_ORIGINAL_OVER, "row %" PRId64 " is %s", o->id, trg_state_str(o->state));
	}
}

static enum iwf_err check_original(struct svc_ask *a, uint32_t reference)
{
	enum iwf_err err;

	/* A trigger that waits for the HSS has no row yet. */
	if (svc_txn_by_ref(a->svc, a->scs.id, reference, false))
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_ORIGINAL_BUSY, "the trigger of number %u is under way", reference);
	err = STORE(a->svc, trigger_by_ref, a->scs.id, reference, false, &a->original);
	if (err == IWF_ENOENT)
		return svc_refuse(a, action_failed(a), RS_NO_ORIGINAL, "no trigger of number %u", reference);
	return err ? err : svc_check_original_state(a);
}

static enum iwf_err check_reference(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;
	enum iwf_err err;

	switch (dar->action) {
	case TSP_RECALL:
		return check_original(a, dar->reference);
	case TSP_REPLACE:
		if (!dar->has_old_reference)
			return svc_refuse(a, TSP_REPLACEFAIL, RS_NO_ORIGINAL, "no Old-Reference-Number");
		if (dar->old_reference == dar->reference)
			return svc_refuse(a, TSP_PERMANENTERROR, RS_REFERENCE_IN_USE, "the new number is the old one");
		err = check_number_free(a);
		return err || a->verdict != SVC_GOES_ON ? err : check_original(a, dar->old_reference);
	default:
		return check_number_free(a);
	}
}

/* ---- 8 and 9: the device */

static enum iwf_err look_up(struct svc_ask *a, bool by_ext_id, struct iwf_subscription *out, bool *found)
{
	enum iwf_err err = by_ext_id ? STORE(a->svc, subscription_by_ext_id, a->ext.text, a->scs.id, out)
	                             : STORE(a->svc, subscription_by_msisdn, a->msisdn, out);

	*found = !err;
	return err == IWF_ENOENT ? IWF_OK : err;
}

static enum iwf_err refuse_two_devices(struct svc_ask *a)
{
	return refuse_device(a, svc_unknown_device(a->svc->conf), RS_TWO_DEVICES, "External-Identifier and MSISDN do not go together");
}

/* Both were sent: our tables must not know better.  With an HSS to ask, it has
 * the last word on what they do not know. */
static enum iwf_err check_same_device(struct svc_ask *a)
{
	struct iwf_subscription other;
	bool has_other;
	enum iwf_err err = look_up(a, true, &a->sub, &a->has_local);

	if (!err)
		err = look_up(a, false, &other, &has_other);
	if (err)
		return err;
	a->looked_up = true;
	if (a->has_local && has_other && a->sub.id != other.id)
		return refuse_two_devices(a);
	if (a->has_local && !has_other && (a->svc->conf->identity_source == IWF_ID_LOCAL || a->sub.msisdn[0]))
		return refuse_two_devices(a);
	if (!a->has_local && has_other && a->svc->conf->identity_source == IWF_ID_LOCAL)
		return refuse_two_devices(a);
	return IWF_OK;
}

static enum iwf_err check_identifier(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;
	const char *fault;

	if (!dar->has_ext_id && !dar->has_msisdn)
		return svc_refuse(a, TSP_INVEXTID, RS_IDENTIFIER, "neither External-Identifier nor MSISDN");
	if (dar->has_ext_id && (fault = iwf_extid_parse(dar->ext_id, &a->ext))) {
		a->ext.text[0] = '\0';
		return svc_refuse(a, TSP_INVEXTID, RS_IDENTIFIER, "External-Identifier: %s", fault);
	}
	if (dar->has_msisdn && (fault = iwf_e164_from_tbcd(dar->msisdn, a->msisdn))) {
		a->msisdn[0] = '\0';
		return svc_refuse(a, TSP_INVEXTID, RS_IDENTIFIER, "MSISDN: %s", fault);
	}
	svc_pass(a, "well-formed");
	return dar->has_ext_id && dar->has_msisdn ? check_same_device(a) : IWF_OK;
}

/* Does the recall or replace name the device of the original, as far as that can be told here? */
static bool same_device_as_original(const struct svc_ask *a)
{
	const struct iwf_trigger *o = &a->original;
	struct iwf_extid was;

	if (a->has_local && a->sub.id == o->subscription_id)
		return true;
	if (a->msisdn[0] && strcmp(a->msisdn, o->msisdn) == 0)
		return true;
	return a->ext.text[0] && o->ext_id[0] &&
	       !iwf_extid_parse((struct iwf_view){ (const uint8_t *)o->ext_id, strlen(o->ext_id) }, &was) &&
	       strcmp(was.text, a->ext.text) == 0;
}

/* A recall delivers nothing, so there is nothing to ask the HSS for. */
static bool asks_hss(const struct svc_ask *a)
{
	switch (a->svc->conf->identity_source) {
	case IWF_ID_HSS:            return a->dar->action != TSP_RECALL;
	case IWF_ID_LOCAL_THEN_HSS: return a->dar->action != TSP_RECALL && (!a->has_local || a->hidden);
	default:                    return false;
	}
}

static enum iwf_err refuse_no_service(struct svc_ask *a)
{
	return svc_refuse(a, TSP_SERVICEUNAVAILABLE, RS_DEVICE_DISABLED, "subscription.trigger_allowed is 0");
}

static enum iwf_err check_device(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;
	const bool local_decides = conf->identity_source == IWF_ID_LOCAL;

	if (!a->looked_up) {
		enum iwf_err err = look_up(a, a->ext.text[0] != '\0', &a->sub, &a->has_local);

		if (err)
			return err;
		a->looked_up = true;
	}
	/* Whoever decides what device it is: disabling a row never opens anything. */
	if (a->has_local && !a->sub.enabled)
		refuse_device(a, svc_unknown_device(conf), RS_DEVICE_DISABLED, "subscription.enabled is 0");
	else if (!a->has_local && local_decides)
		refuse_device(a, svc_unknown_device(conf), RS_DEVICE_UNKNOWN, "not in the tables");
	if (a->verdict != SVC_GOES_ON)
		return IWF_OK;
	/* Where the HSS is asked next, it says what device this is. */
	if (a->dar->action != TSP_TRIGGER && !asks_hss(a) && !same_device_as_original(a))
		return svc_refuse(a, action_failed(a), RS_ORIGINAL_DEVICE, "row %" PRId64 " is for another device", a->original.id);
	if (a->has_local && !a->sub.trigger_allowed && a->dar->action != TSP_RECALL) {
		if (!conf->hide_unknown_devices)
			return refuse_no_service(a);
		a->no_service = true;
	}
	return a->has_local ? svc_pass(a, "subscription %" PRId64, a->sub.id) : svc_pass(a, "not in the tables");
}

/* ---- 10: permission */

static enum iwf_err check_user(struct svc_ask *a)
{
	const bool has_user = a->has_local && a->sub.mtc_user_id;
	enum iwf_err err;

	if (!has_user && (!a->svc->conf->hide_unknown_devices || a->explain))
		return svc_pass(a, "no MTC user of its own");
	err = STORE(a->svc, user_allows, has_user ? a->sub.mtc_user_id : -1, a->scs.id);
	if (err == IWF_ENOENT && !has_user)
		return IWF_OK;
	if (err == IWF_ENOENT)
		return refuse_device(a, TSP_NOTAUTHORIZED, RS_USER_FORBIDS, "MTC user %" PRId64 " does not list SCS %s",
		                     a->sub.mtc_user_id, a->scs.name);
	return err ? err : svc_pass(a, "MTC user %" PRId64 " does not object", a->sub.mtc_user_id);
}

static enum iwf_err check_action(struct svc_ask *a)
{
	bool allowed = a->dar->action == TSP_RECALL ? a->scs.allow_recall
	             : a->dar->action == TSP_REPLACE ? a->scs.allow_replace : a->scs.allow_trigger;

	if (!allowed)
		return svc_refuse(a, TSP_NOTAUTHORIZED, RS_ACTION, "SCS %s may not %s", a->scs.name, tsp_action_str(a->dar->action));
	return svc_pass(a, "SCS %s may %s", a->scs.name, tsp_action_str(a->dar->action));
}

static enum iwf_err check_grant(struct svc_ask *a)
{
	const struct tsp_dar *dar = a->dar;
	struct iwf_service *svc = a->svc;
	const struct iwf_grant_query q = {
		.scs_id = a->scs.id,
		.subscription_id = a->has_local ? a->sub.id : 0,
		.domain = a->ext.text[0] ? a->ext.domain : NULL,
		.msisdn = a->msisdn[0] ? a->msisdn : NULL,
	};
	/* A recall carries no port: it is about the port of what it recalls. */
	const struct iwf_authz_req req = {
		.service = dar->action == TSP_RECALL ? IWF_SVC_RECALL : dar->action == TSP_REPLACE ? IWF_SVC_REPLACE : IWF_SVC_TRIGGER,
		.has_port = dar->action == TSP_RECALL ? a->original.port >= 0 : dar->has_port,
		.port = dar->action == TSP_RECALL ? (uint32_t)a->original.port : dar->port,
		.now_ms = a->now_ms,
	};
	char why[64];
	size_t n = 0;
	enum iwf_err err = STORE(svc, grants, &q, svc->grants, SVC_GRANTS, &n);

	if (err)
		return err;
	const bool granted = iwf_authz_check(&req, svc->grants, n < SVC_GRANTS ? n : SVC_GRANTS, why, sizeof why);
	/* With a grant the HSS is asked of any device that its own rows do not allow. */
	if (a->hidden && !(granted && asks_hss(a)))
		return svc_refuse_hidden(a);
	if (!granted)
		return svc_refuse(a, TSP_NOTAUTHORIZED, RS_NO_GRANT, "%s", why);
	if (a->no_service)
		return refuse_no_service(a);
	return svc_pass(a, "%s", why);
}

/* ---- 11 */

static enum iwf_err check_policy(struct svc_ask *a)
{
	struct iwf_policy_verdict v;

	if (a->dar->action == TSP_RECALL)
		return svc_pass(a, "nothing to deliver");
	v = iwf_policy_check(a->dar, &a->scs, a->svc->conf);
	if (v.status != TSP_SUCCESS)
		return svc_refuse(a, v.status, v.reason, "%s", v.detail);
	return svc_pass(a, "%zu octets, valid for %u s", a->dar->payload.n, iwf_policy_validity_s(a->dar, &a->scs, a->svc->conf));
}

/* ---- 12 */

static enum iwf_err check_hss(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;

	a->hss = -1;
	if (!asks_hss(a))
		return svc_pass(a, "not asked");
	a->hss = svc_hss_choose(conf, a->ext.text[0] ? a->ext.domain : NULL, a->msisdn);
	if (a->hss < 0)
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_UNREACHABLE, "no HSS is configured for this identifier");
	return svc_pass(a, "%.100s would be asked", conf->hss[a->hss].node.host);
}

/* ---- The order of the checks (docs/CHECKS.md).  The grammar of the message is
 * checked where it is decoded; what the HSS and the SMS-SC say comes after. */

typedef enum iwf_err svc_check_fn(struct svc_ask *);
static const struct svc_check { const char *name; svc_check_fn *check; } checks[] = {
	{ "origin",         check_origin },
	{ "scs",            check_scs },
	{ "scs-identity",   check_scs_identity },
	{ "rate",           svc_check_rate },
	{ "retransmission", check_retransmission },
	{ "waiting",        svc_check_waiting },
	{ "quota",          svc_check_quota },
	{ "reference",      check_reference },
	{ "identifier",     check_identifier },
	{ "device",         check_device },
	{ "mtc-user",       check_user },
	{ "action",         check_action },
	{ "grant",          check_grant },
	{ "policy",         check_policy },
	{ "hss",            check_hss },
	{ "smssc",          svc_check_smssc },
	{ "device-rate",    svc_check_device_rate },
};
#define NCHECKS (sizeof checks / sizeof checks[0])

static struct svc_ask *ask_new(struct iwf_service *svc, const struct tsp_dar *dar, int64_t now_ms)
{
	struct svc_ask *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->svc = svc;
	a->dar = dar;
	a->now_ms = now_ms;
	a->reply = (struct svc_reply){ DIAMETER_SUCCESS, TSP_SUCCESS, -1, -1 };
	a->hss = a->smssc = -1;
	return a;
}

/* The first objection ends it.  Whom to submit to is looked for when the HSS, if
 * it is asked, has said what it says. */
static enum iwf_err run_checks(struct svc_ask *a)
{
	enum iwf_err err = IWF_OK;

	for (size_t i = 0; i < NCHECKS && !err && a->verdict == SVC_GOES_ON; i++) {
		if (checks[i].check == svc_check_smssc && a->hss >= 0)
			break;
		err = checks[i].check(a);
	}
	return err;
}

static enum iwf_err refuse(struct svc_ask *a, struct iwf_effects *fx)
{
	enum iwf_err err = svc_audit_refusal(a);

	if (err)
		return err;
	a->kept = true;
	svc_answer_dar(a->svc, svc_asker_of(a->dar), &a->reply, fx);
	return IWF_OK;
}

static enum iwf_err answer_again(struct svc_ask *a, struct iwf_effects *fx)
{
	const struct iwf_trigger *row = &a->known;
	const struct svc_reply reply = {
		.result_code = DIAMETER_SUCCESS,
		.status = row->request_status >= 0 ? (enum tsp_status)row->request_status : TSP_TEMPORARYERROR,
		.diagnostic = row->diagnostic,
		.smssc = svc_smssc_by_host(a->svc->conf, row->smssc),
	};

	a->kept = true;
	svc_answer_dar(a->svc, svc_asker_of(a->dar), &reply, fx);
	return IWF_OK;
}

static enum iwf_err join(struct svc_ask *a, struct svc_txn *t)
{
	enum iwf_err err = svc_txn_wait(a->svc, t, a->dar);

	a->kept = !err;
	return err;
}

static enum iwf_err take_up(struct svc_ask *a, struct iwf_effects *fx)
{
	struct svc_txn *t;
	enum iwf_err err = svc_t4_resume(a->svc, &a->known, &t, fx);

	if (err)
		return err;
	return t ? join(a, t) : answer_again(a, fx);
}

/* Nothing speaks against it.  *taken: `a` belongs to the transaction now. */
static enum iwf_err accept(struct svc_ask *a, bool *taken, struct iwf_effects *fx)
{
	struct iwf_service *svc = a->svc;
	struct svc_txn *t = svc_txn_new(svc, a->scs.id, a->dar->reference, a->dar->action == TSP_RECALL, a->hash);
	enum iwf_err err;

	if (!t)
		return IWF_ENOMEM;
	/* What fails from here on is undone with the transaction. */
	err = join(a, t);
	if (err)
		return err;
	t->dar = tsp_dar_dup(a->dar);
	if (!t->dar)
		return IWF_ENOMEM;
	a->dar = t->dar;
	*taken = true;
	if (a->hss >= 0)
		return svc_hss_begin(svc, t, a, fx);
	const struct svc_device device = { a->dar->action == TSP_RECALL ? a->original.imsi : a->sub.imsi, NULL, 0 };
	return svc_t4_begin(svc, t, a, &device, fx);
}

static enum iwf_err handle(struct svc_ask *a, bool *taken, struct iwf_effects *fx)
{
	enum iwf_err err = run_checks(a);

	if (err)
		return err;
	switch (a->verdict) {
	case SVC_REFUSED:         return refuse(a, fx);
	case SVC_ANSWERED_BEFORE: return answer_again(a, fx);
	case SVC_UNDER_WAY:       return join(a, a->running);
	case SVC_LEFT_BEHIND:     return take_up(a, fx);
	case SVC_GOES_ON:         break;
	}
	return accept(a, taken, fx);
}

enum iwf_err iwf_service_dar(struct iwf_service *svc, const struct tsp_dar *dar, int64_t now_ms, struct iwf_effects *fx)
{
	struct svc_ask *a = ask_new(svc, dar, now_ms);
	bool taken = false;
	enum iwf_err err;

	svc_at(svc, now_ms);
	if (!a) {
		svc_owe_dar(svc, svc_asker_of(dar));
		return IWF_ENOMEM;
	}
	err = handle(a, &taken, fx);
	if (!err)
		err = svc_line_move(svc, false, fx);
	if (taken)
		return err;
	if (err && !a->kept)
		svc_owe_dar(svc, svc_asker_of(dar));
	free(a);
	return err;
}

enum iwf_err iwf_service_explain(struct iwf_service *svc, const struct tsp_dar *dar, int64_t now_ms,
                                 void (*line)(void *ctx, const struct iwf_explain_line *), void *ctx)
{
	struct svc_ask *a = ask_new(svc, dar, now_ms);
	enum iwf_err err = a ? IWF_OK : IWF_ENOMEM;

	if (!a)
		return err;
	a->explain = true;
	for (size_t i = 0; i < NCHECKS && a->verdict == SVC_GOES_ON; i++) {
		a->detail[0] = '\0';
		err = checks[i].check(a);
		if (err)
			break;
		const struct iwf_explain_line l = {
			.check = checks[i].name, .ok = a->verdict != SVC_REFUSED,
			.status = a->reply.status, .reason = a->reason, .detail = a->detail,
		};
		line(ctx, &l);
	}
	free(a);
	return err;
}
