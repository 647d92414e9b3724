#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "effects_log.h"

struct out { char *text; size_t size, n; };

__attribute__((format(printf, 2, 3)))
static void add(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(o->text + o->n, o->size - o->n, fmt, ap);
	va_end(ap);
	o->n = o->n + (size_t)n < o->size ? o->n + (size_t)n : o->size - 1;
}

static void add_text(struct out *o, const char *name, const char *value)
{
	if (value[0])
		add(o, " %s=%s", name, value);
}

static void add_daa(struct out *o, iwf_token token, const struct tsp_daa *daa)
{
	add(o, "daa %" PRIu64, token);
	if (daa->result_code != 2001)
		add(o, " %u", daa->result_code);
	if (daa->has_status)
		add(o, " %s", tsp_status_str(daa->status));
	if (daa->has_diagnostic)
		add(o, " diag=%u", daa->diagnostic);
	if (daa->has_features)
		add(o, " feat=%u", daa->features);
	if (daa->final_target)
		add(o, " target=%u", daa->final_target);
}

static void add_dtr(struct out *o, const char *to, const struct t4_dtr *d)
{
	static const char *const actions[] = { "trigger", "recall", "replace" };

	add(o, "dtr %.*s %s%s ref=%u", (int)strcspn(to, "."), to, actions[d->action], d->retransmitted ? " T" : "",
	    d->reference);
	if (d->has_old_reference)
		add(o, " old=%u", d->old_reference);
	add_text(o, "imsi", d->imsi.digits);
	add_text(o, "ext", d->ext_id);
	add_text(o, "msisdn", d->msisdn);
	add_text(o, "smea", d->smea);
	if (d->priority)
		add(o, " prio");
	if (d->has_port)
		add(o, " port=%u", d->port);
	if (d->has_validity)
		add(o, " valid=%u", d->validity_s);
	if (d->nodes.n)
		add(o, " nodes=%.*s", (int)d->nodes.n, (const char *)d->nodes.p);
	if (d->payload.n)
		add(o, " \"%.*s\"", (int)d->payload.n, (const char *)d->payload.p);
}

static void add_sir(struct out *o, const char *to, const struct s6m_sir *s)
{
	add(o, "sir %.*s", (int)strcspn(to, "."), to);
	add_text(o, "ext", s->ext_id);
	add_text(o, "msisdn", s->msisdn);
	add_text(o, "smea", s->scs_identity);
	if (s->priority)
		add(o, " prio");
	if (s->has_port)
		add(o, " port=%u", s->port);
}

static void add_dnr(struct out *o, const struct tsp_dnr *d)
{
	add(o, "dnr %.*s ref=%u %s%s", (int)strcspn(d->dest_host, "."), d->dest_host, d->reference, tsp_outcome_str(d->outcome), d->retransmitted ? " T" : "");
	add_text(o, "ext", d->ext_id);
	add_text(o, "msisdn", d->msisdn);
	add_text(o, "id", d->scs_identity);
}

void effects_log(const struct iwf_effects *fx, size_t from, char *text, size_t size)
{
	struct out o = { text, size, strlen(text) };

	for (size_t i = from; i < fx->n; i++) {
		const struct iwf_effect *e = &fx->v[i];

		switch (e->kind) {
		case IWF_FX_ANSWER_DAR: add_daa(&o, e->u.answer_dar.token, &e->u.answer_dar.daa); break;
		case IWF_FX_ASK_HSS:    add_sir(&o, e->u.ask_hss.to.host, &e->u.ask_hss.sir); break;
		case IWF_FX_SUBMIT:     add_dtr(&o, e->u.submit.to.host, &e->u.submit.dtr); break;
		case IWF_FX_NOTIFY:     add_dnr(&o, &e->u.notify.dnr); break;
		case IWF_FX_ANSWER_DRR: add(&o, "dra %" PRIu64 " %u", e->u.answer_drr.token, e->u.answer_drr.dra.result_code); break;
		}
		add(&o, "\n");
	}
}
