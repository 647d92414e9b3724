/* iwfctl_audit.c - iwfctl audit and reasons. */
#include "iwfctl_old.h"
#include <sqlite3.h>
#include <string.h>
#include "sqlite_since.h"

static const struct { const char *word, *text; } reasons[] = {
#define X(name, word, text) { word, text },
	IWF_REASON_LIST(X)
#undef X
};
#define REASONS (sizeof reasons / sizeof *reasons)

static const struct arg_spec list_args[] = {
	{ "--scs", ARG_NAME, .help = "only what concerns this SCS" },
	{ "--reason", ARG_NAME, .help = "only this reason (`iwfctl reasons`)" },
	{ "--since", ARG_TIME, .help = "only since then" },
	{ "--limit", ARG_UINT, .min = 1, .max = 1000000000, .help = "at most so many, the newest (50)" },
};

static int audit_list(struct ctl *c, const struct args *a)
{
	const char *reason = arg_text(a, "--reason");
	size_t i = 0;
	while (reason && i < REASONS && strcmp(reasons[i].word, reason) != 0)
		i++;
	if (i == REASONS)
		return ctl_fail("there is no reason '%s'; `iwfctl reasons` lists them", reason);
	if (!ctl_open(c, true) || (arg_given(a, "--scs") && !ctl_scs(c, arg_text(a, "--scs"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT * FROM (SELECT a.id, at_ms AS 'at@', event, decision, reason, request_status AS status, s.name AS scs, peer,"
		" a.origin_host, address, device, reference, nullif(times, 1) AS times, detail FROM audit a LEFT JOIN scs s ON s.id = a.scs_id "
		"WHERE (:scs IS NULL OR s.name = :scs) AND (:reason IS NULL OR reason = :reason) AND (:since IS NULL OR at_ms >= :since) "
		"AND a.id >= " IWF_SQL_FIRST_SHOWN("audit", "at_ms", ":since") " "
		"ORDER BY a.id DESC LIMIT :limit) ORDER BY id");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":scs", a, "--scs");
	ctl_bind_arg(st, ":reason", a, "--reason");
	ctl_bind_arg(st, ":since", a, "--since");
	ctl_bind_int(st, ":limit", arg_num(a, "--limit", 50));
	return ctl_show(c, st, false, "nothing of that kind in the audit");
}

static int audit_verify(struct ctl *c, const struct args *a)
{
	struct iwf_audit_check k;
	if (!ctl_open(c, true))
		return CTL_FAIL;
	enum iwf_err err = iwf_store_audit_check(c->store, &k);
	if (err != IWF_OK)
		return ctl_fail("the audit can't be read: %s", iwf_err_str(err));
	if (k.broken_id)
		return ctl_fail("the chain breaks at row %lld: it was changed, or it or rows before it were removed; %llu rows before it hold",
		                (long long)k.broken_id, (unsigned long long)k.rows);
	if (k.anchored && !k.anchor_recorded)
		return ctl_fail("the chain holds from row %lld on, but no row says that those before it were removed", (long long)k.first_id);
	printf("%llu rows, unbroken", (unsigned long long)k.rows);
	if (k.anchored)
		printf("; row %lld holds to those before it, which %s%s", (long long)k.first_id, *k.kept_in ? "are in " : "have been removed",
		       k.kept_in);
	else if (k.first_id > 1)
		printf("; those before %lld have been deleted", (long long)k.first_id);
	putchar('\n');
	return CTL_OK;
}

static const struct arg_spec reasons_args[] = { { "--markdown", ARG_FLAG, .help = "as docs/REASONS.md" } };

static int show_reasons(struct ctl *c, const struct args *a)
{
	if (arg_given(a, "--markdown")) {
		puts("# Reasons\n\n"
		     "Each row of the audit, and many a line of the log, carries one of these words. What an SCS hears is\n"
		     "less (docs/CHECKS.md); this is for the operator. `iwfctl reasons` prints the list.\n\n"
		     "| reason | what it says |\n|---|---|");
		for (size_t i = 0; i < REASONS; i++)
			printf("| `%s` | %s |\n", reasons[i].word, reasons[i].text);
		return CTL_OK;
	}
	static const char *const columns[] = { "reason", "text" };
	struct out *o = out_new(c, false, columns, 2);
	for (size_t i = 0; i < REASONS; i++) {
		out_text(o, reasons[i].word);
		out_text(o, reasons[i].text);
	}
	out_print(o);
	return CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ "audit", "list", CTL_ARGS(list_args), audit_list, "decisions, refusals and changes" },
	{ "audit", "verify", NULL, 0, audit_verify, "has anybody changed the audit? recomputes its chain of hashes" },
	{ "audit", "prune", CTL_ARGS(ctl_prune_args), ctl_audit_prune, "remove old rows; what is left still holds together" },
	{ "audit", "rotate", CTL_ARGS(ctl_rotate_args), ctl_audit_rotate, "move old rows to a file of their own" },
	{ "reasons", "", CTL_ARGS(reasons_args), show_reasons, "the words that the audit gives reasons in" },
};
const struct ctl_verbs ctl_audit_verbs = { verbs, sizeof verbs / sizeof *verbs };
