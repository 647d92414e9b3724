/* iwfctl_trigger.c - iwfctl trigger and outbox: what is and was under way. */
#include "iwfctl_old.h"
#include <sqlite3.h>
#include <string.h>
#include "sqlite_since.h"

/* Words for the numbers on disk, as SQL functions, so that a SELECT can say them. */

static void sql_state(sqlite3_context *x, int n, sqlite3_value **v)
{
	sqlite3_result_text(x, trg_state_str((enum trg_state)sqlite3_value_int(v[0])), -1, SQLITE_STATIC);
}

static void sql_action(sqlite3_context *x, int n, sqlite3_value **v)
{
	sqlite3_result_text(x, tsp_action_str((uint32_t)sqlite3_value_int(v[0])), -1, SQLITE_STATIC);
}

static void sql_status(sqlite3_context *x, int n, sqlite3_value **v)
{
	if (sqlite3_value_type(v[0]) != SQLITE_NULL)
		sqlite3_result_text(x, tsp_status_str((uint32_t)sqlite3_value_int(v[0])), -1, SQLITE_STATIC);
}

static void sql_outcome(sqlite3_context *x, int n, sqlite3_value **v)
{
	if (sqlite3_value_type(v[0]) != SQLITE_NULL)
		sqlite3_result_text(x, tsp_outcome_str((uint32_t)sqlite3_value_int(v[0])), -1, SQLITE_STATIC);
}

static bool open_with_words(struct ctl *c)
{
	static const struct { const char *name; void (*fn)(sqlite3_context *, int, sqlite3_value **); } words[] = {
		{ "state_word", sql_state }, { "action_word", sql_action }, { "status_word", sql_status }, { "outcome_word", sql_outcome },
	};
	if (!ctl_open(c, true))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (sqlite3_create_function(c->sql, words[i].name, 1, SQLITE_UTF8, NULL, words[i].fn, NULL, NULL) != SQLITE_OK) {
			ctl_fail("%s", sqlite3_errmsg(c->sql));
			return false;
		}
	return true;
}

static int state_number(const char *word)
{
#define X(name, val, text, is_final) if (strcmp(word, text) == 0) return val;
	TRG_STATE_LIST(X)
#undef X
	return 0;
}

#define STATES "submitting|pending|recalling|replacing|delivered|undeliverable|expired|unconfirmed|recalled|replaced|refused|uncertain|done"

static const struct arg_spec list_args[] = {
	{ "--scs", ARG_NAME, .help = "only those of this SCS" },
	{ "--state", ARG_CHOICE, .choices = STATES, .help = "only those in this state" },
	{ "--since", ARG_TIME, .help = "only those received since then" },
	{ "--limit", ARG_UINT, .min = 1, .max = 1000000000, .help = "at most so many, the newest (50)" },
};

static int trigger_list(struct ctl *c, const struct args *a)
{
	if (!open_with_words(c) || (arg_given(a, "--scs") && !ctl_scs(c, arg_text(a, "--scs"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT * FROM (SELECT t.id, received_ms AS 'received@', s.name AS scs, reference, action_word(action) AS action,"
		" coalesce(t.ext_id, t.msisdn) AS device, state_word(state) AS state, status_word(request_status) AS answer,"
		" outcome_word(outcome) AS outcome, smssc, ended_ms AS 'ended@' FROM device_trigger t JOIN scs s ON s.id = t.scs_id "
		"WHERE (:scs IS NULL OR s.name = :scs) AND (:state = 0 OR state = :state) AND (:since IS NULL OR received_ms >= :since) "
		"AND t.id >= " IWF_SQL_FIRST_SHOWN("device_trigger", "received_ms", ":since") " "
		"ORDER BY t.id DESC LIMIT :limit) ORDER BY id");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":scs", a, "--scs");
	ctl_bind_int(st, ":state", arg_given(a, "--state") ? state_number(arg_text(a, "--state")) : 0);
	ctl_bind_arg(st, ":since", a, "--since");
	ctl_bind_int(st, ":limit", arg_num(a, "--limit", 50));
	return ctl_show(c, st, false, "no such trigger");
}

static const struct arg_spec show_args[] = {
	{ "ID", ARG_UINT, ARG_NEEDED, .min = 1, .max = INT64_MAX, .help = "as `trigger list` shows it" },
	{ "--imsi", ARG_FLAG, .help = "show the IMSI in full; that is audited" },
};

static int trigger_show(struct ctl *c, const struct args *a)
{
	if ((arg_given(a, "--imsi") && ctl_note(c, a) != CTL_OK) || !open_with_words(c))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c, "SELECT id FROM device_trigger WHERE id = :id");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":id", a, "ID");
	int64_t id = ctl_id(c, st);
	if (id <= 0)
		return id ? CTL_FAIL : ctl_fail("there is no trigger %s", arg_text(a, "ID"));
	st = ctl_prepare(c, arg_given(a, "--imsi") ?
#define SHOW(imsi) \
		"SELECT t.id, s.name AS scs, reference, action_word(action) AS action, target_id, old_reference, " imsi \
		", t.ext_id AS external_identifier, t.msisdn, scs_identity, smea AS number_on_t4, dest_host, dest_realm," \
		" state_word(state) AS state, status_word(request_status) AS answer, outcome_word(outcome) AS outcome, diagnostic," \
		" received_ms AS 'received@', answered_ms AS 'answered@', validity_end_ms AS 'validity_end@', ended_ms AS 'ended@'," \
		" priority AS 'priority?', port, smssc, length(payload) AS payload_octets," \
		" (SELECT count(*) FROM outbox o WHERE o.trigger_id = t.id) AS reports_waiting " \
		"FROM device_trigger t JOIN scs s ON s.id = t.scs_id WHERE t.id = :id"
		SHOW("imsi") : SHOW("imsi AS 'imsi*'"));
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":id", id);
	return ctl_show(c, st, true, NULL);
}

static int trigger_states(struct ctl *c, const struct args *a)
{
	static const char *const columns[] = { "from", "event", "to", "follows" };
	size_t n;
	const struct trg_rule *r = trg_rules(&n);
	struct out *o = out_new(c, false, columns, 4);
	for (size_t i = 0; i < n; i++) {
		char fx[64];
		snprintf(fx, sizeof fx, "%s%s%s", r[i].effects & TRG_FX_ANSWER ? "answer " : "", r[i].effects & TRG_FX_NOTIFY ? "report " : "",
		         r[i].effects & TRG_FX_DTR ? "submit " : "");
		fx[strlen(fx) ? strlen(fx) - 1 : 0] = '\0';
		out_text(o, trg_state_str(r[i].from));
		out_text(o, trg_event_str(r[i].event));
		out_text(o, trg_state_str(r[i].to));
		out_text(o, *fx ? fx : NULL);
	}
	out_print(o);
	return CTL_OK;
}

static const struct arg_spec outbox_args[] = {
	{ "--scs", ARG_NAME, .help = "only those for this SCS" },
	{ "--limit", ARG_UINT, .min = 1, .max = 1000000000, .help = "at most so many (50)" },
};

static int outbox_list(struct ctl *c, const struct args *a)
{
	if (!open_with_words(c) || (arg_given(a, "--scs") && !ctl_scs(c, arg_text(a, "--scs"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT o.id, s.name AS scs, dest_host, reference, coalesce(ext_id, msisdn) AS device, outcome_word(outcome) AS outcome,"
		" attempts, next_ms AS 'next@', expires_ms AS 'expires@', trigger_id AS trigger FROM outbox o JOIN scs s ON s.id = o.scs_id "
		"WHERE :scs IS NULL OR s.name = :scs ORDER BY next_ms, o.id LIMIT :limit");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":scs", a, "--scs");
	ctl_bind_int(st, ":limit", arg_num(a, "--limit", 50));
	return ctl_show(c, st, false, "no report is waiting");
}

static const struct ctl_verb verbs[] = {
	{ "trigger", "list", CTL_ARGS(list_args), trigger_list, "the journal" },
	{ "trigger", "show", CTL_ARGS(show_args), trigger_show, "one row of it" },
	{ "trigger", "prune", CTL_ARGS(ctl_prune_args), ctl_trigger_prune, "remove old rows that have ended, and old quota counters" },
	{ "trigger", "states", NULL, 0, trigger_states, "what can happen to a trigger" },
	{ "outbox", "list", CTL_ARGS(outbox_args), outbox_list, "reports that an SCS has not taken yet" },
};
const struct ctl_verbs ctl_trigger_verbs = { verbs, sizeof verbs / sizeof *verbs };
