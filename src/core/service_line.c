/* service_line.c - the waiting line before an SMS-SC that takes so many requests a
 * second.  Each SCS has a lane of its own and the lanes are served in turn, one
 * request each, so that one that sends more than its share waits for itself. */
#include <stdlib.h>
#include "service_int.h"

#define TICKS_PER_S 5u    /* the tick must be able to send what has come together since the last one */

static uint32_t rate_of(const struct iwf_service *svc, int smssc)
{
	return svc->conf->smssc[smssc].rate_per_s;
}

static uint32_t burst_of(uint32_t rate)
{
	return rate / TICKS_PER_S + 1;
}

bool svc_line_open(struct iwf_service *svc, int smssc)
{
	struct svc_line *line = &svc->lines[smssc];
	const uint32_t rate = rate_of(svc, smssc);

	return !rate || (!line->n && iwf_bucket_has(&line->bucket, rate, burst_of(rate), svc->now_ms));
}

bool svc_line_pass(struct iwf_service *svc, int smssc)
{
	const uint32_t rate = rate_of(svc, smssc);

	if (!svc_line_open(svc, smssc))
		return false;
	return !rate || iwf_bucket_take(&svc->lines[smssc].bucket, rate, burst_of(rate), svc->now_ms);
}

/* ---- lanes: a ring in which the one after `last` is next */

static struct svc_lane *lane_of(struct svc_line *line, int64_t scs_id)
{
	struct svc_lane *lane = line->last;

	if (lane)
		do {
			if (lane->scs_id == scs_id)
				return lane;
			lane = lane->next;
		} while (lane != line->last);
	lane = calloc(1, sizeof *lane);
	if (!lane)
		return NULL;
	lane->scs_id = scs_id;
	lane->next = line->last ? line->last->next : lane;
	if (line->last)
		line->last->next = lane;
	line->last = lane;       /* whoever comes anew is served after all who are there */
	return lane;
}

static void drop_lane(struct svc_line *line, struct svc_lane *lane)
{
	struct svc_lane *before = lane;

	while (before->next != lane)
		before = before->next;
	before->next = lane->next;
	if (line->last == lane)
		line->last = before == lane ? NULL : before;
	free(lane);
}

static struct svc_lane *longest_lane(const struct svc_line *line)
{
	struct svc_lane *longest = line->last;

	for (struct svc_lane *l = line->last->next; l != line->last; l = l->next)
		if (l->n > longest->n)
			longest = l;
	return longest;
}

void svc_line_leave(struct iwf_service *svc, struct svc_txn *t)
{
	struct svc_lane *lane = t->lane;
	struct svc_line *line;

	if (!lane)
		return;
	line = &svc->lines[t->smssc];
	*(t->ahead ? &t->ahead->behind : &lane->first) = t->behind;
	*(t->behind ? &t->behind->ahead : &lane->last) = t->ahead;
	t->lane = NULL;
	t->ahead = t->behind = NULL;
	line->n--;
	if (!--lane->n)
		drop_lane(line, lane);
}

static void append(struct svc_line *line, struct svc_lane *lane, struct svc_txn *t)
{
	t->lane = lane;
	t->ahead = lane->last;
	*(lane->last ? &lane->last->behind : &lane->first) = t;
	lane->last = t;
	lane->n++;
	line->n++;
}

/* With a full line the longest lane gives up its last one; if that is ours, we. */
enum iwf_err svc_line_join(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	struct svc_line *line = &svc->lines[t->smssc];
	struct svc_lane *lane = lane_of(line, t->scs_id), *longest;

	if (!lane)
		return IWF_ENOMEM;
	t->line_until_ms = svc->now_ms + svc->conf->line_timeout_ms;
	append(line, lane, t);
	if (line->n <= svc->conf->line_max)
		return IWF_OK;
	longest = longest_lane(line);
	if (longest->n == lane->n)
		longest = lane;
	t = longest->last;
	svc_line_leave(svc, t);
	return svc_t4_no_turn(svc, t, "the waiting line is full", fx);
}

/* ---- moving on */

static enum iwf_err end_late(struct iwf_service *svc, struct svc_line *line, struct iwf_effects *fx)
{
	struct svc_txn *late;
	enum iwf_err err = IWF_OK;

	do {
		late = NULL;
		for (struct svc_lane *l = line->last; l && !late; l = l->next == line->last ? NULL : l->next)
			if (l->first->line_until_ms <= svc->now_ms)
				late = l->first;
		if (late) {
			svc_line_leave(svc, late);
			err = svc_t4_no_turn(svc, late, "waited too long", fx);
		}
	} while (late && !err);
	return err;
}

static enum iwf_err move_on(struct iwf_service *svc, int smssc, struct iwf_effects *fx)
{
	struct svc_line *line = &svc->lines[smssc];
	const uint32_t rate = rate_of(svc, smssc);
	enum iwf_err err = IWF_OK;

	while (!err && line->n && iwf_bucket_take(&line->bucket, rate, burst_of(rate), svc->now_ms)) {
		struct svc_lane *turn = line->last->next;
		struct svc_txn *t = turn->first;

		line->last = turn;
		svc_line_leave(svc, t);
		err = svc_t4_turn(svc, t, fx);
	}
	return err;
}

enum iwf_err svc_line_move(struct iwf_service *svc, bool ticking, struct iwf_effects *fx)
{
	enum iwf_err err = IWF_OK;

	for (size_t i = 0; i < svc->conf->nsmssc && !err; i++) {
		if (!svc->lines[i].n)
			continue;
		err = move_on(svc, (int)i, fx);
		if (!err && ticking)
			err = end_late(svc, &svc->lines[i], fx);
	}
	return err;
}
