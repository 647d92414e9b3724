/* store_sqlite_notice.c - what MTC users have not been told yet. */
#include <string.h>
#include "store_sqlite.h"

static enum iwf_err next_user(struct iwf_store *st, int64_t after, int64_t told_before_ms, struct iwf_notice *out, int64_t *seen)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_NOTICE_USER, "notice_next");
	iwf_sqlite_bind_int(&q, ":after", after);
	iwf_sqlite_bind_int(&q, ":before", told_before_ms);
	if (iwf_sqlite_row(&q)) {
		out->mtc_user_id = iwf_sqlite_col_int(&q);
		iwf_sqlite_col_text(&q, out->user, sizeof(out->user));
		iwf_sqlite_col_text(&q, out->contact, sizeof(out->contact));
		*seen = iwf_sqlite_col_int(&q);
	}
	return iwf_sqlite_end_one(&q);
}

static enum iwf_err sum(struct iwf_store *st, int64_t seen, struct iwf_notice *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_NOTICE_SUM, "notice_next");
	iwf_sqlite_bind_int(&q, ":user", out->mtc_user_id);
	iwf_sqlite_bind_int(&q, ":after", seen);
	if (iwf_sqlite_row(&q)) {
		out->last_audit_id = iwf_sqlite_col_int(&q);
		out->times = iwf_sqlite_col_int(&q);
		out->first_ms = iwf_sqlite_col_int(&q);
		out->last_ms = iwf_sqlite_col_int(&q);
	}
	return iwf_sqlite_end(&q);
}

static enum iwf_err sources(struct iwf_store *st, int64_t seen, struct iwf_notice *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_NOTICE_SOURCES, "notice_next");
	iwf_sqlite_bind_int(&q, ":user", out->mtc_user_id);
	iwf_sqlite_bind_int(&q, ":after", seen);
	iwf_sqlite_bind_int(&q, ":last", out->last_audit_id);
	iwf_sqlite_bind_int(&q, ":max", IWF_NOTICE_SOURCES + 1);
	while (iwf_sqlite_row(&q)) {
		struct iwf_notice_source *s = &out->sources[out->nsources];

		out->more = out->nsources == IWF_NOTICE_SOURCES;
		if (out->more)
			break;
		out->nsources++;
		iwf_sqlite_col_text(&q, s->event, sizeof(s->event));
		iwf_sqlite_col_text(&q, s->reason, sizeof(s->reason));
		iwf_sqlite_col_text(&q, s->scs, sizeof(s->scs));
		iwf_sqlite_col_text(&q, s->origin_host, sizeof(s->origin_host));
		iwf_sqlite_col_text(&q, s->address, sizeof(s->address));
		iwf_sqlite_col_text(&q, s->cert, sizeof(s->cert));
		iwf_sqlite_col_text(&q, s->device, sizeof(s->device));
		s->times = iwf_sqlite_col_int(&q);
		s->devices = iwf_sqlite_col_int(&q);
		s->first_ms = iwf_sqlite_col_int(&q);
		s->last_ms = iwf_sqlite_col_int(&q);
	}
	return iwf_sqlite_end(&q);
}

enum iwf_err iwf_store_notice_next(struct iwf_store *st, int64_t after_user_id, int64_t told_before_ms, struct iwf_notice *out)
{
	int64_t seen = 0;
	enum iwf_err e;

	memset(out, 0, sizeof(*out));
	if (strcmp(st->ops->name, "sqlite") != 0)
		return IWF_EINVAL;
	e = next_user(st, after_user_id, told_before_ms, out, &seen);
	if (e == IWF_OK)
		e = sum(st, seen, out);
	return e == IWF_OK ? sources(st, seen, out) : e;
}

enum iwf_err iwf_store_notice_done(struct iwf_store *st, int64_t mtc_user_id, int64_t last_audit_id, int64_t now_ms)
{
	struct query q;

	if (strcmp(st->ops->name, "sqlite") != 0)
		return IWF_EINVAL;
	iwf_sqlite_start(&q, st, ST_NOTICE_SET, "notice_done");
	iwf_sqlite_bind_int(&q, ":user", mtc_user_id);
	iwf_sqlite_bind_int(&q, ":audit", last_audit_id);
	iwf_sqlite_bind_int(&q, ":at", now_ms);
	return iwf_sqlite_run(&q, NULL);
}
