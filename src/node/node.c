#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deadline.h"
#include "hash.h"
#include "informer.h"
#include "log.h"
#include "map.h"
#include "node.h"
#include "private.h"
#include "queue.h"
#include "sender.h"
#include "store_open.h"

#define TICK_MS         200
#define DEADLINE_MARGIN 2000    /* what a port gets beyond its time-out before we stop believing in it */
#define RECOVER_AFTER   30000   /* ms without any SMS-SC before unfinished work is looked at all the same */
#define STOP_WAIT       3000    /* ms that a stopping node gives to what is under way */
/* A transaction costs as much as a dozen events in it: so where one had many of them, the next comes no sooner, unless
 * many wait already (queue.c).  Where there is less to do nobody waits for others, but while the disk works for the last
 * transaction: it would not begin with the next one before. */
#define GATHER_US       800

struct iwf_node {
	struct iwf_conf conf;
	unsigned refs;

	struct iwf_queue queue;
	pthread_t thread;
	bool running;
	struct iwf_informer *informer;
	struct iwf_sender *sender;

	pthread_mutex_t ports_lock;
	struct iwf_tsp_port tsp;
	struct iwf_s6m_port s6m;
	struct iwf_t4_port t4;

	pthread_mutex_t reader_lock;
	struct iwf_store *reader;

	/* Of the service thread alone. */
	struct iwf_store *store;
	struct iwf_service *service;
	struct iwf_effects fx;
	struct iwf_deadlines deadlines;
	bool store_failed, recover_wanted, recovered_once;
	int64_t started_ms, ticked_ms, looked_ms, committed_us;
};

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static struct iwf_node *the_node;

static int64_t clock_us(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Deadlines run on the monotonic clock, everything that is kept on the wall's. */
static int64_t mono_us(void) { return clock_us(CLOCK_MONOTONIC); }
static int64_t mono_ms(void) { return mono_us() / 1000; }
static int64_t wall_ms(void) { return clock_us(CLOCK_REALTIME) / 1000; }

/* ---- effects ------------------------------------------------------------ */

static void perform(void *ctx, struct iwf_effect *e)
{
	struct iwf_node *n = ctx;

	pthread_mutex_lock(&n->ports_lock);
	struct iwf_tsp_port tsp = n->tsp;
	struct iwf_s6m_port s6m = n->s6m;
	struct iwf_t4_port t4 = n->t4;
	pthread_mutex_unlock(&n->ports_lock);

	switch (e->kind) {
	case IWF_FX_ANSWER_DAR:
		if (tsp.answer)
			tsp.answer(tsp.ctx, e->u.answer_dar.token, &e->u.answer_dar.daa);
		break;
	case IWF_FX_ANSWER_DRR:
		if (t4.answer)
			t4.answer(t4.ctx, e->u.answer_drr.token, &e->u.answer_drr.dra);
		break;
	case IWF_FX_ASK_HSS:
		if (s6m.ask)
			s6m.ask(s6m.ctx, e->u.ask_hss.query, &e->u.ask_hss.to, e->u.ask_hss.timeout_ms, &e->u.ask_hss.sir);
		else
			iwf_node_post_sia(n, e->u.ask_hss.query, &(struct s6m_sia){ .kind = S6M_UNREACHABLE });
		break;
	case IWF_FX_SUBMIT:
		if (t4.submit)
			t4.submit(t4.ctx, e->u.submit.txn, &e->u.submit.to, e->u.submit.timeout_ms, &e->u.submit.dtr);
		else
			iwf_node_post_dta(n, e->u.submit.txn, &(struct t4_dta){ .kind = T4_UNREACHABLE });
		break;
	case IWF_FX_NOTIFY:
		if (tsp.notify)
			tsp.notify(tsp.ctx, e->u.notify.report, e->u.notify.timeout_ms, &e->u.notify.dnr);
		else
			iwf_node_post_dna(n, e->u.notify.report, &(struct tsp_dna){ .kind = TSP_DNA_UNDELIVERED });
		break;
	}
}

/* From before it is asked: the answer may be quick. */
static void expect_end(struct iwf_node *n, const struct iwf_effect *e)
{
	const int64_t until = mono_ms() + DEADLINE_MARGIN;

	if (e->kind == IWF_FX_ASK_HSS)
		iwf_deadline_set(&n->deadlines, IWF_ASK_HSS, e->u.ask_hss.query, until + e->u.ask_hss.timeout_ms);
	else if (e->kind == IWF_FX_SUBMIT)
		iwf_deadline_set(&n->deadlines, IWF_ASK_SMSSC, e->u.submit.txn, until + e->u.submit.timeout_ms);
	else if (e->kind == IWF_FX_NOTIFY)
		iwf_deadline_set(&n->deadlines, IWF_ASK_SCS, (uint64_t)e->u.notify.report, until + e->u.notify.timeout_ms);
}

static bool sync_store(void *ctx)
{
	struct iwf_node *n = ctx;

	const bool synced = iwf_store_sync(n->store) == IWF_OK;

	iwf_queue_hold(&n->queue, false);
	return synced;
}

static const struct iwf_sender_ops sender_ops = { perform, sync_store };

static void perform_all(struct iwf_node *n, bool committed)
{
	for (size_t i = 0; i < n->fx.n; i++)
		expect_end(n, &n->fx.v[i]);
	if (committed && n->fx.n)                    /* sync_store() will come for them */
		iwf_queue_hold(&n->queue, true);
	iwf_sender_give(n->sender, &n->fx, committed);
}

/* ---- one batch ---------------------------------------------------------- */

static enum iwf_err handle(struct iwf_node *n, struct iwf_event *ev, int64_t now)
{
	switch (ev->kind) {
	case IWF_EV_DAR:     return iwf_service_dar(n->service, ev->u.dar, now, &n->fx);
	case IWF_EV_DRR:     return iwf_service_drr(n->service, &ev->u.drr, now, &n->fx);
	case IWF_EV_SIA:     return iwf_service_sia(n->service, ev->u.sia.query, &ev->u.sia.sia, now, &n->fx);
	case IWF_EV_DTA:     return iwf_service_dta(n->service, ev->u.dta.txn, &ev->u.dta.dta, now, &n->fx);
	case IWF_EV_DNA:     return iwf_service_dna(n->service, ev->u.dna.report, &ev->u.dna.dna, now, &n->fx);
	case IWF_EV_PEER_UP: return iwf_service_scs_up(n->service, ev->u.host, now, &n->fx);
	case IWF_EV_AUDIT:   return iwf_service_audit(n->service, ev->u.audit);
	}
	return IWF_OK;
}

/* False: an end that has been told before, or that nobody waits for. */
static bool is_awaited(struct iwf_node *n, const struct iwf_event *ev)
{
	switch (ev->kind) {
	case IWF_EV_SIA: return iwf_deadline_clear(&n->deadlines, IWF_ASK_HSS, ev->u.sia.query);
	case IWF_EV_DTA: return iwf_deadline_clear(&n->deadlines, IWF_ASK_SMSSC, ev->u.dta.txn);
	case IWF_EV_DNA: return iwf_deadline_clear(&n->deadlines, IWF_ASK_SCS, (uint64_t)ev->u.dna.report);
	default:         return true;
	}
}

static bool is_answered(const struct iwf_effects *fx, enum iwf_fx_kind kind, iwf_token token)
{
	for (size_t i = 0; i < fx->n; i++)
		if (fx->v[i].kind == kind &&
		    (kind == IWF_FX_ANSWER_DAR ? fx->v[i].u.answer_dar.token : fx->v[i].u.answer_drr.token) == token)
			return true;
	return false;
}

/* Nothing of the batch has happened.  Everybody who waits in it hears so now. */
static void refuse_batch(struct iwf_node *n, struct iwf_event *batch, enum iwf_err err)
{
	iwf_effects_cut(&n->fx, 0);
	iwf_service_undo(n->service, &n->fx);
	for (struct iwf_event *ev = batch; ev; ev = ev->next) {
		if (ev->kind == IWF_EV_DAR && !is_answered(&n->fx, IWF_FX_ANSWER_DAR, ev->u.dar->token)) {
			struct iwf_effect *e = iwf_effects_add(&n->fx, IWF_FX_ANSWER_DAR);
			e->u.answer_dar.token = ev->u.dar->token;
			e->u.answer_dar.daa = (struct tsp_daa){ .result_code = 2001, .has_status = true, .status = iwf_err_status(err) };
		} else if (ev->kind == IWF_EV_DRR && !is_answered(&n->fx, IWF_FX_ANSWER_DRR, ev->u.drr.token)) {
			struct iwf_effect *e = iwf_effects_add(&n->fx, IWF_FX_ANSWER_DRR);
			e->u.answer_drr.token = ev->u.drr.token;
			e->u.answer_drr.dra.result_code = 3004;
		} else if (ev->kind == IWF_EV_SIA) {
			iwf_service_give_up(n->service, ev->u.sia.query, &n->fx);
		} else if (ev->kind == IWF_EV_DTA) {
			iwf_service_give_up(n->service, ev->u.dta.txn, &n->fx);
		} else if (ev->kind == IWF_EV_DNA) {
			/* The report is still in the outbox; its deadline sends it again. */
			iwf_deadline_set(&n->deadlines, IWF_ASK_SCS, (uint64_t)ev->u.dna.report, mono_ms() + DEADLINE_MARGIN);
		}
	}
	if (!n->store_failed)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_NODE, "store %s: %s; requests are answered TEMPORARYERROR until it is back",
		        n->conf.store.uri, iwf_err_str(err));
	n->store_failed = true;
	perform_all(n, false);
}

static void store_is_back(struct iwf_node *n)
{
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_NODE, "store %s is back", n->conf.store.uri);
	n->store_failed = false;
	n->recover_wanted = true;
	iwf_service_store_changed(n->service);
}

static void note_peer(struct iwf_node *n, const char *host)
{
	for (size_t i = 0; i < n->conf.service.nsmssc && !n->recovered_once; i++)
		if (!strcasecmp(n->conf.service.smssc[i].node.host, host))
			n->recover_wanted = true;
}

static enum iwf_err in_transaction(struct iwf_node *n, struct iwf_event *batch, bool ticking, int64_t now)
{
	enum iwf_err err = iwf_sender_is_stuck(n->sender) ? IWF_ESTORE : n->store->ops->begin(n->store);
	if (err != IWF_OK)
		return err;
	for (struct iwf_event *ev = batch; ev && err == IWF_OK; ev = ev->next)
		err = handle(n, ev, now);
	if (err == IWF_OK && ticking && n->recover_wanted)
		err = iwf_service_recover(n->service, now, &n->fx);
	if (err == IWF_OK && ticking)
		err = iwf_service_tick(n->service, now, &n->fx);
	if (err == IWF_OK)
		err = n->store->ops->commit(n->store);
	if (err != IWF_OK)
		n->store->ops->rollback(n->store);
	return err;
}

static void run_batch(struct iwf_node *n, struct iwf_event *batch, bool ticking)
{
	for (struct iwf_event **at = &batch; *at;) {
		struct iwf_event *ev = *at;
		if (is_awaited(n, ev)) {
			if (ev->kind == IWF_EV_PEER_UP)
				note_peer(n, ev->u.host);
			at = &ev->next;
			continue;
		}
		*at = ev->next;
		iwf_event_free(ev);
	}
	if (!batch && !ticking)
		return;

	iwf_service_mark(n->service);
	enum iwf_err err = in_transaction(n, batch, ticking, wall_ms());
	if (err != IWF_OK) {
		refuse_batch(n, batch, err);
	} else {
		if (ticking && n->recover_wanted) {
			n->recover_wanted = false;
			n->recovered_once = true;
		}
		if (n->store_failed)
			store_is_back(n);
		perform_all(n, true);
		n->committed_us = mono_us();
	}
	while (batch) {
		struct iwf_event *ev = batch;
		batch = ev->next;
		iwf_event_free(ev);
	}
}

/* ---- the thread --------------------------------------------------------- */

static void post_overdue(struct iwf_node *n)
{
	enum iwf_ask_kind kind;
	uint64_t number;
	while (iwf_deadline_over(&n->deadlines, mono_ms(), &kind, &number)) {
		/* Put it back for is_awaited(), which lets each number through once. */
		iwf_deadline_set(&n->deadlines, kind, number, INT64_MAX);
		switch (kind) {
		case IWF_ASK_HSS:   iwf_node_post_sia(n, number, &(struct s6m_sia){ .kind = S6M_TIMEOUT }); break;
		case IWF_ASK_SMSSC: iwf_node_post_dta(n, number, &(struct t4_dta){ .kind = T4_TIMEOUT }); break;
		case IWF_ASK_SCS:   iwf_node_post_dna(n, (int64_t)number, &(struct tsp_dna){ .kind = TSP_DNA_UNDELIVERED }); break;
		case IWF_ASK_KINDS: break;
		}
	}
}

/* An administrator's edit counts within a second (SQL or iwfctl). */
static void look_at_store(struct iwf_node *n, int64_t now)
{
	if (now - n->looked_ms < 2 * TICK_MS)
		return;
	n->looked_ms = now;
	bool changed = false;
	if (n->store->ops->changed(n->store, &changed) == IWF_OK && changed)
		iwf_service_store_changed(n->service);
	iwf_store_tend(n->store);
}

static void *service_thread(void *arg)
{
	struct iwf_node *n = arg;
	int64_t stop_at = 0;

	n->started_ms = n->ticked_ms = mono_ms();
	for (;;) {
		bool stopping;
		int64_t now = mono_ms();
		int64_t wait = n->ticked_ms + TICK_MS - now;
		int64_t gather = n->committed_us + GATHER_US - mono_us();
		struct iwf_event *batch = iwf_queue_take(&n->queue, n->conf.node.batch_max, wait > 0 ? (unsigned)wait : 0,
		                                         gather > 0 ? (unsigned)gather : 0, &stopping);

		now = mono_ms();
		if (!n->recovered_once && now - n->started_ms > RECOVER_AFTER)
			n->recover_wanted = true;
		bool ticking = now - n->ticked_ms >= TICK_MS;
		if (ticking) {
			n->ticked_ms = now;
			post_overdue(n);
			look_at_store(n, now);
		}
		bool idle = !batch;
		run_batch(n, batch, ticking && !stopping);

		if (!stopping)
			continue;
		if (!stop_at)
			stop_at = now + STOP_WAIT;
		if (idle && (iwf_service_waiting(n->service) == 0 || now >= stop_at))
			break;
	}
	iwf_service_stop(n->service, &n->fx);
	perform_all(n, false);
	return NULL;
}

/* ---- making and ending it ----------------------------------------------- */

struct complaint { char *err; size_t size; int n; };

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	struct complaint *c = ctx;
	char where[600];

	if (e->line)
		snprintf(where, sizeof(where), "%s:%d", e->file, e->line);
	else
		snprintf(where, sizeof(where), "%s", e->file);
	iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "%s: %s%s%s", where, e->key ? e->key : "", e->key ? ": " : "", e->text);
	if (c->n++ == 0)
		snprintf(c->err, c->size, "%s: %s%s%s", where, e->key ? e->key : "", e->key ? ": " : "", e->text);
}

static void destroy(struct iwf_node *n)
{
	iwf_effects_free(&n->fx);
	iwf_deadlines_free(&n->deadlines);
	if (n->service)
		iwf_service_free(n->service);
	iwf_store_close(n->reader);
	iwf_store_close(n->store);      /* last: it leaves no write-ahead log behind */
	iwf_queue_destroy(&n->queue);
	pthread_mutex_destroy(&n->ports_lock);
	pthread_mutex_destroy(&n->reader_lock);
	free(n);
}

static struct iwf_node *make(const char *conf_file, char *err, size_t err_size)
{
	struct complaint c = { err, err_size, 0 };
	struct iwf_node *n = calloc(1, sizeof(*n));
	if (!n) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&n->ports_lock, NULL);
	pthread_mutex_init(&n->reader_lock, NULL);
	if (!iwf_queue_init(&n->queue, 1)) {
		snprintf(err, err_size, "out of memory");
		destroy(n);
		return NULL;
	}
	if (iwf_conf_read(conf_file, &n->conf, complain, &c) || iwf_conf_check_store(&n->conf, complain, &c) ||
	    !iwf_privacy_key_load(n->conf.privacy.hash_key_file, err, err_size)) {
		destroy(n);
		return NULL;
	}
	iwf_log_set_level((enum iwf_log_level)n->conf.log.level);
	if (iwf_conf_store_is_open(&n->conf, err, err_size))
		iwf_log(IWF_LOG_WARN, IWF_SUB_CONF, "%s", err);
	if (!n->conf.privacy.core_dumps && !iwf_private_no_dumps()) {
		snprintf(err, err_size, "core dumps cannot be ruled out: %s", strerror(errno));
		destroy(n);
		return NULL;
	}
	iwf_queue_set_max(&n->queue, n->conf.node.queue_max);
	struct iwf_store_opts opts = { .busy_timeout_ms = n->conf.store.busy_timeout_ms, .ops_only = true, .disk_apart = true };
	n->store = iwf_store_open(n->conf.store.uri, &opts, err, err_size);
	opts.read_only = true;
	opts.disk_apart = false;
	n->reader = n->store ? iwf_store_open(n->conf.store.uri, &opts, err, err_size) : NULL;
	n->service = n->reader ? iwf_service_new(&n->conf.service, n->store) : NULL;
	if (!n->service) {
		if (n->reader)
			snprintf(err, err_size, "out of memory");
		destroy(n);
		return NULL;
	}
	return n;
}

struct iwf_node *iwf_node_get(const char *conf_file, char *err, size_t err_size)
{
	struct iwf_node *n = NULL;

	if (!conf_file || !*conf_file)
		conf_file = IWF_SYSCONFDIR "/mtc-iwf.conf";
	pthread_mutex_lock(&the_lock);
	if (!the_node)
		the_node = make(conf_file, err, err_size);
	if (the_node && strcmp(the_node->conf.file, conf_file)) {
		snprintf(err, err_size, "this process runs with %s already; every extension must be given the same file, not %s",
		         the_node->conf.file, conf_file);
	} else if (the_node) {
		n = the_node;
		n->refs++;
	}
	pthread_mutex_unlock(&the_lock);
	return n;
}

const struct iwf_conf *iwf_node_conf(const struct iwf_node *n)
{
	return &n->conf;
}

void iwf_node_attach_tsp(struct iwf_node *n, const struct iwf_tsp_port *port)
{
	pthread_mutex_lock(&n->ports_lock);
	n->tsp = *port;
	pthread_mutex_unlock(&n->ports_lock);
}

void iwf_node_attach_s6m(struct iwf_node *n, const struct iwf_s6m_port *port)
{
	pthread_mutex_lock(&n->ports_lock);
	n->s6m = *port;
	pthread_mutex_unlock(&n->ports_lock);
}

void iwf_node_attach_t4(struct iwf_node *n, const struct iwf_t4_port *port)
{
	pthread_mutex_lock(&n->ports_lock);
	n->t4 = *port;
	pthread_mutex_unlock(&n->ports_lock);
}

bool iwf_node_start(struct iwf_node *n, char *err, size_t err_size)
{
	if (n->running)
		return true;
	if (*n->conf.notify_user.command && !n->informer && !(n->informer = iwf_informer_start(&n->conf, err, err_size)))
		return false;
	n->sender = iwf_sender_start(&sender_ops, n);
	int rc = n->sender ? pthread_create(&n->thread, NULL, service_thread, n) : ENOMEM;
	if (rc) {
		snprintf(err, err_size, "cannot start the service thread: %s", strerror(rc));
		iwf_sender_stop(n->sender);
		n->sender = NULL;
		return false;
	}
	n->running = true;
	return true;
}

void iwf_node_stop(struct iwf_node *n)
{
	iwf_informer_stop(n->informer);
	n->informer = NULL;
	if (!n->running)
		return;
	iwf_queue_stop(&n->queue);
	pthread_join(n->thread, NULL);
	iwf_sender_stop(n->sender);
	n->sender = NULL;
	n->running = false;
}

void iwf_node_put(struct iwf_node *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&the_lock);
	bool last = --n->refs == 0;
	if (last)
		the_node = NULL;
	pthread_mutex_unlock(&the_lock);
	if (last) {
		iwf_node_stop(n);
		destroy(n);
	}
}

/* The high half is the second of the start. */
static atomic_uint_least64_t session_number;

static void begin_session_numbers(void)
{
	atomic_store(&session_number, (uint64_t)(wall_ms() / 1000) << 32);
}

uint64_t iwf_node_session_number(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, begin_session_numbers);
	return atomic_fetch_add(&session_number, 1);
}

/* ---- posting ------------------------------------------------------------ */

/* Who sent it, as far as that can be said without the store: who the connection
 * belongs to, or whom its agent names. */
static uint64_t source_of(const struct iwf_node *n, enum iwf_event_kind kind, struct iwf_view host)
{
	char name[IWF_DIAMID_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)(host.n < sizeof(name) ? host.n : sizeof(name)), host.n ? (const char *)host.p : "");
	return iwf_map_hash_str((uintptr_t)n + (uint64_t)kind, name);
}

/* Had to make room for somebody else's. */
static void refuse_event(struct iwf_node *n, struct iwf_event *ev)
{
	if (ev->kind == IWF_EV_DAR) {
		struct iwf_effect e = { .kind = IWF_FX_ANSWER_DAR };

		e.u.answer_dar.token = ev->u.dar->token;
		e.u.answer_dar.daa.result_code = 3004;
		perform(n, &e);
	} else if (ev->kind == IWF_EV_DRR) {
		struct iwf_effect e = { .kind = IWF_FX_ANSWER_DRR };

		e.u.answer_drr.token = ev->u.drr.token;
		e.u.answer_drr.dra.result_code = 3004;
		perform(n, &e);
	} else {
		iwf_log(IWF_LOG_WARN, IWF_SUB_NODE, "queue full: no audit row for %s %s (%s)", ev->u.audit->event, ev->u.audit->decision,
		        iwf_reason_str(ev->u.audit->reason));
	}
	iwf_event_free(ev);
}

/* False: it was not taken, and is the caller's. */
static bool put(struct iwf_node *n, struct iwf_event *ev)
{
	struct iwf_event *out = iwf_queue_put(&n->queue, ev);

	if (out && out != ev)
		refuse_event(n, out);
	return out != ev;
}

bool iwf_node_post_dar(struct iwf_node *n, struct tsp_dar *dar)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_DAR);
	if (!ev)
		return false;
	ev->u.dar = dar;
	ev->source = source_of(n, IWF_EV_DAR, iwf_service_is_agent(&n->conf.service, dar->peer) ? dar->origin_host : dar->peer);
	if (put(n, ev))
		return true;
	ev->u.dar = NULL;
	iwf_event_free(ev);
	return false;
}

bool iwf_node_post_drr(struct iwf_node *n, const struct t4_drr *drr)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_DRR);
	if (!ev)
		return false;
	ev->u.drr = *drr;
	if (drr->has_imsi)
		iwf_private_note(drr->imsi.digits);
	ev->source = source_of(n, IWF_EV_DRR, (struct iwf_view){ (const uint8_t *)drr->peer, strlen(drr->peer) });
	if (put(n, ev))
		return true;
	iwf_event_free(ev);
	return false;
}

/* For those below: an end for which there is no memory is told by its deadline. */

void iwf_node_post_sia(struct iwf_node *n, uint64_t query, const struct s6m_sia *sia)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_SIA);

	if (sia->has_imsi)
		iwf_private_note(sia->imsi.digits);
	if (!ev) {
		struct s6m_sia drop = *sia;
		s6m_sia_free(&drop);
		return;
	}
	ev->u.sia.query = query;
	ev->u.sia.sia = *sia;
	iwf_queue_put(&n->queue, ev);
}

void iwf_node_post_dta(struct iwf_node *n, uint64_t txn, const struct t4_dta *dta)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_DTA);
	if (!ev)
		return;
	ev->u.dta.txn = txn;
	ev->u.dta.dta = *dta;
	iwf_queue_put(&n->queue, ev);
}

void iwf_node_post_dna(struct iwf_node *n, int64_t report, const struct tsp_dna *dna)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_DNA);
	if (!ev)
		return;
	ev->u.dna.report = report;
	ev->u.dna.dna = *dna;
	iwf_queue_put(&n->queue, ev);
}

void iwf_node_post_peer_up(struct iwf_node *n, const char *host)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_PEER_UP);
	if (!ev)
		return;
	snprintf(ev->u.host, sizeof(ev->u.host), "%s", host);
	iwf_queue_put(&n->queue, ev);
}

void iwf_node_post_audit(struct iwf_node *n, const struct iwf_audit *audit)
{
	struct iwf_event *ev = iwf_event_new(IWF_EV_AUDIT);

	/* One source: the names in them nobody has proven. */
	if (ev && (ev->u.audit = iwf_audit_dup(audit)) && put(n, ev))
		return;
	if (ev && ev->u.audit)
		refuse_event(n, ev);
	else
		iwf_event_free(ev);
}

enum iwf_err iwf_node_scs_by_host(struct iwf_node *n, const char *host, struct iwf_scs *out)
{
	pthread_mutex_lock(&n->reader_lock);
	enum iwf_err err = n->reader->ops->scs_by_host(n->reader, host, out);
	pthread_mutex_unlock(&n->reader_lock);
	return err;
}
