/* What goes out, and when, as the disk lets it. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "patience.h"
#include "sender.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char said[4000];
	unsigned syncs;
	bool bad, busy;           /* the disk; it takes until that is false */
	pthread_t by;             /* who did the last one */
} w = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void say(const char *words, unsigned long long number)
{
	size_t n = strlen(w.said);

	snprintf(w.said + n, sizeof(w.said) - n, "%s%llu ", words, number);
	pthread_cond_broadcast(&w.changed);
}

static void perform(void *ctx, struct iwf_effect *e)
{
	pthread_mutex_lock(&w.lock);
	w.by = pthread_self();
	say(e->kind == IWF_FX_SUBMIT ? "dtr" : "daa", e->kind == IWF_FX_SUBMIT ? e->u.submit.txn : e->u.answer_dar.token);
	pthread_mutex_unlock(&w.lock);
}

static bool to_disk(void *ctx)
{
	bool good;

	pthread_mutex_lock(&w.lock);
	w.syncs++;
	pthread_cond_broadcast(&w.changed);
	while (w.busy)
		pthread_cond_wait(&w.changed, &w.lock);
	good = !w.bad;
	say(good ? "disk" : "bad", 0);
	pthread_mutex_unlock(&w.lock);
	return good;
}

static const struct iwf_sender_ops ops = { perform, to_disk };

static void disk(bool bad, bool busy)
{
	pthread_mutex_lock(&w.lock);
	w.bad = bad;
	w.busy = busy;
	pthread_cond_broadcast(&w.changed);
	pthread_mutex_unlock(&w.lock);
}

static void give(struct iwf_sender *s, unsigned first, unsigned many, bool committed)
{
	static struct iwf_effects fx;

	for (unsigned i = 0; i < many; i++) {
		if (i % 2) {
			struct iwf_effect *e = iwf_effects_add(&fx, IWF_FX_SUBMIT);

			e->u.submit.txn = first + i;
			e->u.submit.dtr.blob = malloc(3);      /* the sanitizers see whether it is freed, once */
		} else {
			iwf_effects_add(&fx, IWF_FX_ANSWER_DAR)->u.answer_dar.token = first + i;
		}
	}
	iwf_sender_give(s, &fx, committed);
	ck_assert_uint_eq(fx.n, 0);
	iwf_effects_free(&fx);
}

static void wait_for(const char *words)
{
	pthread_mutex_lock(&w.lock);
	while (!strstr(w.said, words))
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

static bool has_said(const char *words)
{
	pthread_mutex_lock(&w.lock);
	bool said = strstr(w.said, words) != NULL;
	pthread_mutex_unlock(&w.lock);
	return said;
}

static void wait_for_syncs(unsigned many)
{
	pthread_mutex_lock(&w.lock);
	while (w.syncs < many)
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

static struct iwf_sender *start(void)
{
	struct iwf_sender *s = iwf_sender_start(&ops, NULL);

	ck_assert_ptr_nonnull(s);
	w.said[0] = '\0';
	w.syncs = 0;
	disk(false, false);
	return s;
}

START_TEST(goes_out_when_it_is_on_disk)
{
	struct iwf_sender *s = start();

	give(s, 1, 8, true);
	iwf_sender_stop(s);
	ck_assert_str_eq(w.said, "disk0 daa1 dtr2 daa3 dtr4 daa5 dtr6 daa7 dtr8 ");
}
END_TEST

static bool was_me(void)
{
	bool me;

	pthread_mutex_lock(&w.lock);
	me = w.said[0] && pthread_equal(w.by, pthread_self());
	pthread_mutex_unlock(&w.lock);
	return me;
}

static void clear(void)
{
	pthread_mutex_lock(&w.lock);
	w.said[0] = '\0';
	pthread_mutex_unlock(&w.lock);
}

START_TEST(nobody_is_woken_for_a_few)
{
	const struct timespec a_while = { 0, 1000000 };
	struct iwf_sender *s = start();

	for (int i = 0; i < PATIENCE_MS && !was_me(); i++) {
		nanosleep(&a_while, NULL);
		clear();
		give(s, 1, 2, true);
		wait_for("dtr2 ");
	}
	ck_assert_str_eq(w.said, "disk0 daa1 dtr2 ");
	give(s, 3, 1, false);
	ck_assert(was_me());
	clear();
	give(s, 11, 30, true);
	wait_for("dtr40 ");
	ck_assert(!was_me());
	iwf_sender_stop(s);
}
END_TEST

/* The disk is bad when the thread has nothing to do: it asks again, not who gave. */
START_TEST(a_few_that_a_bad_disk_holds_back)
{
	const struct timespec a_while = { 0, 1000000 };
	struct iwf_sender *s = start();

	for (int i = 0; i < PATIENCE_MS && !was_me(); i++) {
		nanosleep(&a_while, NULL);
		clear();
		give(s, 1, 1, false);
		wait_for("daa1 ");
	}
	clear();
	disk(true, false);
	give(s, 2, 1, true);
	ck_assert(has_said("bad0 "));
	ck_assert(iwf_sender_is_stuck(s));
	give(s, 3, 1, false);
	wait_for("daa3 ");
	ck_assert(!has_said("daa2 "));
	disk(false, false);
	wait_for("daa2 ");
	ck_assert(!was_me());
	iwf_sender_stop(s);
}
END_TEST

START_TEST(the_disk_is_asked_once_for_all)
{
	struct iwf_sender *s = start();

	disk(false, true);
	give(s, 1, 5, true);                    /* so many that it is the thread that waits for the disk */
	wait_for_syncs(1);
	give(s, 6, 1, true);
	give(s, 7, 1, false);
	give(s, 8, 1, true);
	disk(false, false);
	iwf_sender_stop(s);
	ck_assert_str_eq(w.said, "disk0 daa1 dtr2 daa3 dtr4 daa5 disk0 daa6 daa7 daa8 ");
}
END_TEST

START_TEST(what_follows_from_nothing_does_not_wait)
{
	struct iwf_sender *s = start();

	give(s, 1, 1, false);
	iwf_sender_stop(s);
	ck_assert_str_eq(w.said, "daa1 ");
}
END_TEST

START_TEST(a_bad_disk_holds_it_back)
{
	struct iwf_sender *s = start();

	disk(true, false);
	give(s, 1, 2, true);
	wait_for("bad0 ");
	for (unsigned i = 0; i < 30; i++)       /* more than wait at a time */
		give(s, 100 + 2 * i, 2, false);
	give(s, 200, 2, true);
	give(s, 300, 1, false);
	wait_for("daa300 ");
	ck_assert(iwf_sender_is_stuck(s));
	ck_assert(!has_said("daa1 "));
	ck_assert(!has_said("dtr2 "));
	ck_assert(!has_said("daa200 "));
	disk(false, false);
	wait_for("daa1 dtr2 daa200 dtr201 ");
	ck_assert(!iwf_sender_is_stuck(s));
	iwf_sender_stop(s);
}
END_TEST

START_TEST(ends_with_a_bad_disk)
{
	struct iwf_sender *s = start();

	disk(true, false);
	give(s, 1, 2, true);
	give(s, 3, 1, false);
	iwf_sender_stop(s);
	ck_assert(has_said("daa3 "));
	ck_assert(!has_said("daa1 "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sender");
	TCase *tc = tcase_create("sender");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, goes_out_when_it_is_on_disk);
	tcase_add_test(tc, nobody_is_woken_for_a_few);
	tcase_add_test(tc, a_few_that_a_bad_disk_holds_back);
	tcase_add_test(tc, the_disk_is_asked_once_for_all);
	tcase_add_test(tc, what_follows_from_nothing_does_not_wait);
	tcase_add_test(tc, a_bad_disk_holds_it_back);
	tcase_add_test(tc, ends_with_a_bad_disk);
	suite_add_tcase(suite, tc);

	SRunner *r = srunner_create(suite);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
