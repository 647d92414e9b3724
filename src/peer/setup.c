/* setup.c - the checked copy of a peer_conf that connections share. */
#include <stdlib.h>
#include <string.h>
#include "peer_int.h"

static bool copy(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool copy_addrs(struct peer_sctp *to, const struct peer_sctp *from)
{
	const char **list = calloc(from->naddrs + 1, sizeof(*list));
	bool ok = list != NULL;

	to->addrs = list;
	to->naddrs = list ? from->naddrs : 0;
	for (size_t i = 0; i < to->naddrs; i++)
		ok &= copy(&list[i], from->addrs[i]);
	return ok;
}

static bool copy_conf(struct peer_conf *to, const struct peer_conf *from)
{
	uint32_t *apps = malloc((from->napps + 1) * sizeof(*apps));
	bool ok;

	*to = *from;
	to->apps = apps;
	if (apps && from->napps)
		memcpy(apps, from->apps, from->napps * sizeof(*apps));
	/* All of them, so that what failed is NULL and not somebody else's. */
	ok = copy(&to->origin_host, from->origin_host);
	ok &= copy(&to->origin_realm, from->origin_realm);
	ok &= copy(&to->product, from->product ? from->product : "mtc-iwf");
	ok &= copy(&to->expect_host, from->expect_host);
	ok &= copy_addrs(&to->sctp, &from->sctp);
	ok &= copy(&to->tls.cert, from->tls.cert);
	ok &= copy(&to->tls.key, from->tls.key);
	ok &= copy(&to->tls.ca, from->tls.ca);
	ok &= copy(&to->tls.priority, from->tls.priority);
	ok &= copy(&to->tls.keylog, from->tls.keylog);
	return ok && apps;
}

struct peer_setup *peer_setup_new(const struct peer_conf *conf, bool server, char *err, size_t err_size)
{
	struct peer_setup *s = calloc(1, sizeof(*s));

	if (!s) {
		if (conf->tls.credentials)
			gnutls_certificate_free_credentials(conf->tls.credentials);
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	s->cred = conf->tls.credentials;
	s->refs = 1;
	s->keylog_fd = -1;
	if (!copy_conf(&s->conf, conf)) {
		snprintf(err, err_size, "out of memory");
		goto fail;
	}
	if (!s->conf.origin_host || !s->conf.origin_realm) {
		snprintf(err, err_size, "an Origin-Host and an Origin-Realm are needed");
		goto fail;
	}
	if (!s->conf.watchdog_s)
		s->conf.watchdog_s = 30;
	if (!s->conf.connect_timeout_ms)
		s->conf.connect_timeout_ms = 10000;
	if (!s->conf.max_message)
		s->conf.max_message = PEER_MAX_MESSAGE;
	if (!s->conf.max_queue)
		s->conf.max_queue = PEER_MAX_QUEUE;
	s->use_tls = s->conf.tls.ca || s->cred;
	if (s->conf.sctp.on)
		s->transport = s->use_tls ? &peer_dtls_sctp : &peer_sctp;
	else
		s->transport = s->use_tls ? &peer_tls_tcp : &peer_tcp;
	if (s->use_tls && !peer_tls_load(s, server, err, err_size))
		goto fail;
	return s;
fail:
	peer_setup_drop(s);
	return NULL;
}

void peer_setup_drop(struct peer_setup *s)
{
	if (--s->refs)
		return;
	peer_tls_unload(s);
	for (size_t i = 0; i < s->conf.sctp.naddrs; i++)
		free((void *)s->conf.sctp.addrs[i]);
	free((void *)s->conf.sctp.addrs);
	free((void *)s->conf.apps);
	free((void *)s->conf.origin_host);
	free((void *)s->conf.origin_realm);
	free((void *)s->conf.product);
	free((void *)s->conf.expect_host);
	free((void *)s->conf.tls.cert);
	free((void *)s->conf.tls.key);
	free((void *)s->conf.tls.ca);
	free((void *)s->conf.tls.priority);
	free((void *)s->conf.tls.keylog);
	free(s);
}
