/* Signatures by the keeper: the door's key is a way to ask, and the keeper's thread answers. */
#include "config.h"
#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "log.h"

struct pair { gnutls_x509_privkey_t key; gnutls_x509_crt_t crt; gnutls_pubkey_t pub; };

static int keeper_fd, door_fd;
static struct gw_signer *signer;
static struct pair pair[2];
static const gnutls_datum_t data = { (uint8_t *)"what a handshake has signed", 27 };

static void hear(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
}

static struct pair make(gnutls_pk_algorithm_t pk, unsigned bits)
{
	struct pair p;
	uint8_t serial = 1;

	ck_assert(!gnutls_x509_privkey_init(&p.key) && !gnutls_x509_privkey_generate(p.key, pk, bits, 0));
	ck_assert(!gnutls_x509_crt_init(&p.crt) && !gnutls_x509_crt_set_key(p.crt, p.key) && !gnutls_x509_crt_set_serial(p.crt, &serial, 1));
	ck_assert(!gnutls_x509_crt_set_version(p.crt, 3) && !gnutls_x509_crt_set_activation_time(p.crt, time(NULL)));
	ck_assert(!gnutls_x509_crt_set_expiration_time(p.crt, time(NULL) + 60));
	ck_assert_int_eq(gnutls_x509_crt_sign2(p.crt, p.crt, p.key, pk == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0), 0);
	ck_assert(!gnutls_pubkey_init(&p.pub) && !gnutls_pubkey_import_x509(p.pub, p.crt, 0));
	return p;
}

static void drop(struct pair *p)
{
	gnutls_pubkey_deinit(p->pub);
	gnutls_x509_crt_deinit(p->crt);
	gnutls_x509_privkey_deinit(p->key);
}

static gnutls_privkey_t key_of(const struct pair *p)
{
	gnutls_privkey_t key;

	ck_assert(!gnutls_privkey_init(&key) && !gnutls_privkey_import_x509(key, p->key, GNUTLS_PRIVKEY_IMPORT_COPY));
	return key;
}

static gnutls_privkey_t remote(const struct pair *p)
{
	gnutls_privkey_t key;

	ck_assert_int_eq(gw_signer_key(door_fd, p->crt, &key), 0);
	return key;
}

static void sockets(void)
{
	int fd[2];

	iwf_log_set_sink(hear, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	keeper_fd = fd[0];
	door_fd = fd[1];
	pair[0] = make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	pair[1] = make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

static void setup(void)
{
	char err[256] = "";

	sockets();
	signer = gw_signer_start(keeper_fd, err, sizeof(err));
	ck_assert_msg(signer != NULL, "%s", err);
	gw_signer_set_key(signer, key_of(&pair[0]));
}

static void teardown(void)
{
	gw_signer_stop(signer);
	signer = NULL;
	close(door_fd);
	drop(&pair[0]);
	drop(&pair[1]);
}

static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, gnutls_datum_t *sig)
{
	*sig = (gnutls_datum_t){ NULL, 0 };
	return gnutls_privkey_sign_data2(key, algo, 0, &data, sig);
}

static bool is_of(const struct pair *p, gnutls_sign_algorithm_t algo, const gnutls_datum_t *sig)
{
	return gnutls_pubkey_verify_data2(p->pub, algo, 0, &data, sig) >= 0;
}

static const struct { const char *why; gnutls_pk_algorithm_t pk; unsigned bits; gnutls_sign_algorithm_t algo; bool by_hash; } kinds[] = {
	{ "RSA", GNUTLS_PK_RSA, 2048, GNUTLS_SIGN_RSA_SHA256, true },
	{ "RSA-PSS with an RSA key", GNUTLS_PK_RSA, 2048, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, true },
	{ "P-256", GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), GNUTLS_SIGN_ECDSA_SHA256, true },
	{ "P-384", GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), GNUTLS_SIGN_ECDSA_SHA384, true },
	{ "Ed25519", GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), GNUTLS_SIGN_EDDSA_ED25519, false },
};
START_TEST(kind)
{
	struct pair p = make(kinds[_i].pk, kinds[_i].bits);
	gnutls_sign_algorithm_t algo = kinds[_i].algo;
	gnutls_privkey_t key = remote(&p);
	gnutls_datum_t sig, hash;
	uint8_t h[64];
	unsigned bits;

	gw_signer_set_key(signer, key_of(&p));
	ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(key, &bits), kinds[_i].pk);
	ck_assert_msg(sign(key, algo, &sig) == 0 && is_of(&p, algo, &sig), "%s", kinds[_i].why);
	ck_assert(!is_of(&pair[0], algo, &sig));
	gnutls_free(sig.data);
	if (kinds[_i].by_hash) {
		gnutls_digest_algorithm_t d = gnutls_sign_get_hash_algorithm(algo);

		ck_assert_int_eq(gnutls_hash_fast((gnutls_digest_algorithm_t)d, data.data, data.size, h), 0);
		hash = (gnutls_datum_t){ h, (unsigned)gnutls_hash_get_len(d) };
		ck_assert_msg(gnutls_privkey_sign_hash2(key, algo, 0, &hash, &sig) == 0 && is_of(&p, algo, &sig), "%s by hash", kinds[_i].why);
		gnutls_free(sig.data);
	}
	gnutls_privkey_deinit(key);
	drop(&p);
}
END_TEST

/* With this kind of key the data itself goes to the keeper, and not its hash. */
START_TEST(much_to_sign)
{
	struct pair p = make(kinds[4].pk, kinds[4].bits);
	uint8_t *big = calloc(1, 16385);
	gnutls_privkey_t key = remote(&p);
	gnutls_datum_t sig, huge = { big, 16385 }, most = { big, 16384 };

	gw_signer_set_key(signer, key_of(&p));
	ck_assert_int_lt(gnutls_privkey_sign_data2(key, kinds[4].algo, 0, &huge, &sig), 0);
	ck_assert_int_eq(gnutls_privkey_sign_data2(key, kinds[4].algo, 0, &most, &sig), 0);
	ck_assert_int_ge(gnutls_pubkey_verify_data2(p.pub, kinds[4].algo, 0, &most, &sig), 0);
	gnutls_free(sig.data);
	gnutls_privkey_deinit(key);
	drop(&p);
	free(big);
}
END_TEST

START_TEST(refused)
{
	gnutls_privkey_t key = remote(&pair[0]);
	gnutls_datum_t sig;

	ck_assert_int_lt(sign(key, GNUTLS_SIGN_RSA_SHA256, &sig), 0);           /* not with this kind of key */
	ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gnutls_free(sig.data);
	gw_signer_set_key(signer, NULL);
	ck_assert_int_lt(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gw_signer_set_key(signer, key_of(&pair[0]));
	ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gnutls_free(sig.data);
	gnutls_privkey_deinit(key);
}
END_TEST

/* Whatever an end that was taken over sends: an answer or none, and the next good question is answered. */
START_TEST(nonsense)
{
	struct { uint32_t number, algo, flags, is_hash; uint8_t id[32], data[20000]; } ask = { .number = 99 };
	static const size_t sizes[] = { 1, 4, 16, 47, 48, 49, 100, 16432, 16433, 20048 };
	gnutls_privkey_t key = remote(&pair[0]);
	size_t id_size = sizeof(ask.id);
	gnutls_datum_t sig;

	ck_assert_int_eq(gnutls_x509_crt_get_key_id(pair[0].crt, GNUTLS_KEYID_USE_SHA256, ask.id, &id_size), 0);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (uint32_t k = 0; k < 8; k++) {
			ask.algo = k & 1 ? UINT32_MAX : GNUTLS_SIGN_ECDSA_SHA256;
			ask.is_hash = k & 2;
			ask.flags = k & 4 ? UINT32_MAX & ~(uint32_t)GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA : 0;
			ck_assert_int_eq(send(door_fd, &ask, sizes[i], 0), (ssize_t)sizes[i]);
			ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
			ck_assert(is_of(&pair[0], GNUTLS_SIGN_ECDSA_SHA256, &sig));
			gnutls_free(sig.data);
		}
	gnutls_privkey_deinit(key);
}
END_TEST

static void *replace(void *ctx)
{
	for (int i = 0; i < 200; i++) {
		gw_signer_set_key(signer, key_of(&pair[i % 2]));
		usleep(200);
	}
	return NULL;
}

/* The key may be another one at any moment: each signature is by that of the certificate. */
START_TEST(replaced)
{
	gnutls_privkey_t key = remote(&pair[0]);
	struct pair third = make(kinds[2].pk, kinds[2].bits);
	gnutls_datum_t sig;
	pthread_t other;

	ck_assert_int_eq(pthread_create(&other, NULL, replace, NULL), 0);
	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
		ck_assert(is_of(&pair[0], GNUTLS_SIGN_ECDSA_SHA256, &sig));
		gnutls_free(sig.data);
	}
	pthread_join(other, NULL);
	gw_signer_set_key(signer, key_of(&pair[0]));
	gw_signer_set_key(signer, key_of(&pair[1]));
	gw_signer_set_key(signer, key_of(&pair[1]));             /* a new certificate of the same key */
	ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	ck_assert(is_of(&pair[0], GNUTLS_SIGN_ECDSA_SHA256, &sig));
	gnutls_free(sig.data);
	gw_signer_set_key(signer, key_of(&third));
	ck_assert_int_lt(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	drop(&third);
	gnutls_privkey_deinit(key);
}
END_TEST

/* Two keys of the door, as when a certificate is replaced: both ask by the same way. */
START_TEST(two_keys)
{
	gnutls_privkey_t a = remote(&pair[0]), b = remote(&pair[0]);
	gnutls_datum_t sig;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(sign(i % 2 ? a : b, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
		ck_assert(is_of(&pair[0], GNUTLS_SIGN_ECDSA_SHA256, &sig));
		gnutls_free(sig.data);
	}
	gnutls_privkey_deinit(a);
	ck_assert_int_eq(sign(b, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gnutls_free(sig.data);
	gnutls_privkey_deinit(b);
}
END_TEST

START_TEST(keeper_gone)
{
	gnutls_privkey_t key = remote(&pair[0]);
	gnutls_datum_t sig;

	gw_signer_stop(signer);
	signer = NULL;
	ck_assert_int_lt(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gnutls_privkey_deinit(key);
	gw_signer_stop(NULL);
}
END_TEST

START_TEST(door_gone)
{
	shutdown(door_fd, SHUT_RDWR);
	usleep(1000);                           /* the thread may have ended by itself, and may be replaced and stopped still */
	gw_signer_set_key(signer, key_of(&pair[1]));
}
END_TEST

/* ---- a keeper of ours, that does not do what it should ------------------ */

struct ask { uint32_t number, algo, flags, is_hash; uint8_t data[16384]; };
struct reply { uint32_t number; int32_t error; uint8_t sig[1100]; };

static unsigned lies;

static void *lie(void *ctx)
{
	struct ask ask;
	struct reply r = { 0 };

	while (recv(keeper_fd, &ask, sizeof(ask), 0) > 0) {
		size_t n = 8 + 10;

		memcpy(r.sig, "signature!", 10);
		r.number = ask.number - 1;
		r.error = 0;
		ck_assert_int_gt(send(keeper_fd, &r, 12, MSG_NOSIGNAL), 0);            /* an answer of before */
		r.number = ask.number;
		r.error = lies == 1 ? -5 : 0;
		n = lies == 2 ? 8 : lies == 3 ? 4 : lies == 4 ? sizeof(r) : n;
		ck_assert_int_gt(send(keeper_fd, &r, n, MSG_NOSIGNAL), 0);
	}
	return NULL;
}

START_TEST(other_answers)
{
	gnutls_privkey_t key = remote(&pair[0]);
	gnutls_datum_t sig;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, lie, NULL), 0);
	ck_assert_int_eq(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	ck_assert(sig.size == 10 && !memcmp(sig.data, "signature!", 10));           /* not the 4 octets of the one before */
	gnutls_free(sig.data);
	shutdown(door_fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	gnutls_privkey_deinit(key);
	close(keeper_fd);
}
END_TEST

START_TEST(bad_answer)
{
	gnutls_privkey_t key = remote(&pair[0]);
	gnutls_datum_t sig;
	pthread_t thread;

	lies = (unsigned)_i;
	ck_assert_int_eq(pthread_create(&thread, NULL, lie, NULL), 0);
	ck_assert_msg(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig) < 0, "%d", _i);
	shutdown(door_fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	gnutls_privkey_deinit(key);
	close(keeper_fd);
}
END_TEST

START_TEST(no_answer)
{
	gnutls_privkey_t key = remote(&pair[0]);
	gnutls_datum_t sig;

	ck_assert_int_lt(sign(key, GNUTLS_SIGN_ECDSA_SHA256, &sig), 0);
	gnutls_privkey_deinit(key);
	close(keeper_fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_signer");
	TCase *t = tcase_create("keeper"), *u = tcase_create("no keeper");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_set_timeout(u, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, kind, 0, sizeof(kinds) / sizeof(*kinds));
	tcase_add_test(t, much_to_sign);
	tcase_add_test(t, refused);
	tcase_add_test(t, nonsense);
	tcase_add_test(t, replaced);
	tcase_add_test(t, two_keys);
	tcase_add_test(t, keeper_gone);
	tcase_add_test(t, door_gone);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(u, sockets, teardown);
	tcase_add_test(u, other_answers);
	tcase_add_loop_test(u, bad_answer, 1, 4);
	tcase_add_test(u, no_answer);
	suite_add_tcase(s, u);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
