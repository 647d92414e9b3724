/* iwfctl_fdconf.c - reads a freeDiameter.conf as freeDiameter 1.2 to 1.6 does and
 * says what is wrong with it for an MTC-IWF. */
#include "iwfctl.h"
#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sqlite3.h>
#include <unistd.h>

#define TOKENS_MAX 64        /* of one statement; a ConnectPeer has the most */
#define DEPTH_MAX  5
#define EXTS_MAX   64
#define PEERS_MAX  128
#define TEXTS_MAX  2048

enum tok { T_WORD, T_STRING, T_NUMBER, T_CHAR };
struct token { enum tok type; char *text; struct fd_where at; };
struct ext { const char *file, *conf; struct fd_where at; };
struct peer { const char *host; bool no_tls; struct fd_where at; };

struct fd {
	struct complaints *k;
	struct fd_where all;                 /* the file as a whole */
	char *texts[TEXTS_MAX];              /* all that is pointed into; freed at the end */
	size_t ntexts;
	struct token t[TOKENS_MAX];          /* the statement being read */
	size_t n;
	bool broken;
	struct fd_tls tls;
	const char *realm;
	struct fd_where at_identity;
	bool no_relay;
	long long dh_bits;
	struct fd_where at_dh;
	struct ext ext[EXTS_MAX];
	size_t next;
	struct peer peer[PEERS_MAX];
	size_t npeers;
};

static char *keep(struct fd *f, const char *s, size_t n)
{
	char *copy = f->ntexts < TEXTS_MAX ? strndup(s, n) : NULL;
	if (!copy) {
		if (!f->broken)
			complain_line(f->k, true, f->all, "", "too much in it to be read");
		f->broken = true;
		return NULL;
	}
	return f->texts[f->ntexts++] = copy;
}

/* How a directive goes on behind its name: = , ; and s(tring) i(nteger); lower
 * case is optional from ':' on. */
static const struct { const char *name, *form; } directives[] = {
	{ "Identity", "=s;" }, { "Realm", "=s;" }, { "Port", "=i;" }, { "SecPort", "=i;" }, { "No_IPv6", ";" }, { "No_IP", ";" },
	{ "No_TCP", ";" }, { "No_SCTP", ";" }, { "Prefer_TCP", ";" }, { "TLS_old_method", ";" }, { "SCTP_streams", "=i;" },
	{ "AppServThreads", "=i;" }, { "RoutingInThreads", "=i;" }, { "RoutingOutThreads", "=i;" }, { "QinThreads", "=i;" },
	{ "ListenOn", "=s;" }, { "ThreadsPerServer", "=i;" }, { "ProcessingPeersPattern", "=s;" }, { "ProcessingPeersMinimum", "=i;" },
	{ "TcTimer", "=i;" }, { "TwTimer", "=i;" }, { "NoRelay", ";" }, { "LoadExtension", "=s:" }, { "ConnectPeer", "=s{" },
	{ "TLS_Cred", "=s,s;" }, { "TLS_CA", "=s;" }, { "TLS_CRL", "=s;" }, { "TLS_Prio", "=s;" }, { "TLS_DH_Bits", "=i;" },
	{ "TLS_DH_File", "=s;" },
};
#define DIRECTIVES (sizeof directives / sizeof *directives)

static bool is(const struct token *t, char c)
{
	return t->type == T_CHAR && t->text[0] == c;
}

static bool fits(const struct token *t, char form)
{
	return form == 's' ? t->type == T_STRING : form == 'i' ? t->type == T_NUMBER : is(t, form);
}

static void syntax(struct fd *f, const struct fd_where *at, const char *key, const char *what)
{
	complain_line(f->k, true, *at, key, "%s", what);
	f->broken = true;
}

/* Does the statement have the form of its directive? */
static bool well_formed(struct fd *f, const char *form)
{
	static const char *const right[] = { "=s;", "Name = \"text\";", "=i;", "Name = number;", ";", "Name;", "=s,s;",
		"Name = \"certificate file\", \"key file\";", "=s:", "Name = \"file.fdx\" : \"its configuration\";",
		"=s{", "Name = \"host\" { ... };" };
	size_t i = 1;
	bool ok = true;
	const char *p = form;
	for (; ok && *p && *p != ':' && *p != '{'; p++)
		ok = i < f->n && fits(&f->t[i++], *p);
	if (ok && *p == ':' && i < f->n && is(&f->t[i], ':'))
		ok = i + 1 < f->n && f->t[i + 1].type == T_STRING && (i += 2);
	if (ok && *p == '{' && i < f->n && is(&f->t[i], '{'))
		while (++i < f->n && !is(&f->t[i - 1], '}'))
			;
	if (ok && *p)
		ok = i < f->n && is(&f->t[i++], ';');
	if (ok && i == f->n)
		return true;
	for (size_t k = 0; k < sizeof right / sizeof *right; k += 2)
		if (strcmp(right[k], form) == 0)
			complain_line(f->k, true, f->t[0].at, f->t[0].text, "%s is written: %s%s", f->t[0].text, f->t[0].text,
			              right[k + 1] + 4);
	f->broken = true;
	return false;
}

static void take_peer(struct fd *f)
{
	if (f->npeers == PEERS_MAX)
		return;
	struct peer *p = &f->peer[f->npeers++];
	*p = (struct peer){ .host = f->t[2].text, .at = f->t[0].at };
	for (size_t i = 3; i < f->n; i++)
		if (f->t[i].type == T_WORD && strcasecmp(f->t[i].text, "No_TLS") == 0)
			p->no_tls = true;
}

static void statement(struct fd *f)
{
	size_t d = 0;
	const struct token *t = f->t;
	while (d < DIRECTIVES && (t->type != T_WORD || strcasecmp(directives[d].name, t->text) != 0))
		d++;
	if (d == DIRECTIVES) {
		complain_line(f->k, true, t->at, t->text,
		              t->type == T_WORD ? "freeDiameter has no directive '%.60s'" : "'%.60s' where a directive should begin", t->text);
		f->broken = true;
		return;
	}
	if (!well_formed(f, directives[d].form))
		return;
	const char *name = directives[d].name, *value = f->n > 2 ? t[2].text : NULL;
	struct fd_tls *tls = &f->tls;
	if (strcmp(name, "Identity") == 0) {
		tls->identity = value;
		f->at_identity = t->at;
	} else if (strcmp(name, "Realm") == 0) {
		f->realm = value;
	} else if (strcmp(name, "TLS_Cred") == 0) {
		tls->cert = value;
		tls->key = t[4].text;
		tls->at_cred = t->at;
	} else if (strcmp(name, "TLS_CA") == 0) {
		tls->ca = value;
		tls->at_ca = t->at;
	} else if (strcmp(name, "TLS_CRL") == 0) {
		tls->crl = value;
		tls->at_crl = t->at;
	} else if (strcmp(name, "TLS_Prio") == 0) {
		tls->prio = value;
		tls->at_prio = t->at;
	} else if (strcmp(name, "TLS_DH_Bits") == 0) {
		f->dh_bits = atoll(value);
		f->at_dh = t->at;
	} else if (strcmp(name, "NoRelay") == 0) {
		f->no_relay = true;
	} else if (strcmp(name, "LoadExtension") == 0 && f->next < EXTS_MAX) {
		f->ext[f->next++] = (struct ext){ value, f->n > 4 ? t[4].text : NULL, t->at };
	} else if (strcmp(name, "ConnectPeer") == 0) {
		take_peer(f);
	}
}

static void read_file(struct fd *f, const char *path, int depth, const struct fd_where *from);

/* include "pattern" */
static void include(struct fd *f, const char *pattern, int depth, const struct fd_where *from)
{
	glob_t g;
	if (depth >= DEPTH_MAX) {
		syntax(f, from, "include", "included too deep");
		return;
	}
	if (glob(pattern, GLOB_ERR, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			read_file(f, g.gl_pathv[i], depth + 1, from);
		globfree(&g);
	}
}

/* One token at *p; false at the end of the text or where nothing can be made of it. */
static bool token(struct fd *f, const char **p, struct fd_where *at, struct token *out)
{
	const char *s = *p;
	for (;; s++) {
		if (*s == '#')
			s += strcspn(s, "\n");
		if (*s == '\n')
			at->line++;
		else if (!isspace((unsigned char)*s))
			break;
	}
	size_t n = 1, skip = 0;
	out->at = *at;
	out->type = T_CHAR;
	if (*s == '"') {
		n = strcspn(s + 1, "\"\n");
		skip = 1;
		out->type = T_STRING;
		if (s[n + 1] != '"') {
			syntax(f, at, "", "a quote is not closed on this line");
			return false;
		}
	} else if (isdigit((unsigned char)*s)) {
		n = strspn(s, "0123456789");
		out->type = T_NUMBER;
	} else if (isalpha((unsigned char)*s)) {
		while (isalnum((unsigned char)s[n]) || s[n] == '_')
			n++;
		out->type = T_WORD;
	} else if (*s && !strchr("=,:;{}", *s)) {
		char what[80];
		snprintf(what, sizeof what, "'%c' has no meaning here; is a quote missing?", *s);
		syntax(f, at, "", what);
		return false;
	}
	if (!*s)
		return false;
	*p = s + n + 2 * skip;
	return (out->text = keep(f, s + skip, n)) != NULL;
}

static void read_text(struct fd *f, const char *p, const char *file, int depth)
{
	struct fd_where at = { file, 1 };
	int braces = 0;
	struct token t;
	while (!f->broken && token(f, &p, &at, &t)) {
		if (f->n == 0 && t.type == T_WORD && strcmp(t.text, "include") == 0) {
			if (!token(f, &p, &at, &t) || t.type != T_STRING)
				syntax(f, &at, "include", "include is written: include \"file\"");
			else
				include(f, t.text, depth, &t.at);
			continue;
		}
		if (f->n == TOKENS_MAX) {
			syntax(f, &f->t[0].at, f->t[0].text, "this goes on and on; is a ';' missing?");
			break;
		}
		f->t[f->n++] = t;
		braces += is(&t, '{') - is(&t, '}');
		if (is(&t, ';') && braces <= 0) {
			statement(f);
			f->n = 0;
			braces = 0;
		}
	}
}

static void read_file(struct fd *f, const char *path, int depth, const struct fd_where *from)
{
	char *name = keep(f, path, strlen(path)), *text = NULL;
	size_t len = 0;
	if (!name)
		return;
	FILE *in = fopen(path, "re");
	if (!in || getdelim(&text, &len, '\0', in) < 0) {
		if (!in || ferror(in)) {
			complain_line(f->k, true, from ? *from : (struct fd_where){ path, 0 }, "", "cannot read '%s': %m", path);
			f->broken = true;
		}
	} else {
		read_text(f, text, name, depth);
	}
	free(text);
	if (in)
		fclose(in);
}

/* The extension of that name, "app_tsp"; NULL: not loaded. */
static const struct ext *loaded(const struct fd *f, const char *name)
{
	for (size_t i = 0; i < f->next; i++) {
		const char *slash = strrchr(f->ext[i].file, '/'), *base = slash ? slash + 1 : f->ext[i].file;
		size_t n = strlen(name);
		if (strncmp(base, name, n) == 0 && (strcmp(base + n, ".fdx") == 0 || !base[n]))
			return &f->ext[i];
	}
	return NULL;
}

static bool same_file(const char *a, const char *b)
{
	char *x = realpath(a, NULL), *y = realpath(b, NULL);
	bool same = x && y && strcmp(x, y) == 0;
	free(x);
	free(y);
	return same;
}

static void check_extensions(struct fd *f)
{
	static const struct { const char *name, *why; bool conf, with_hss; } ours[] = {
		{ "dict_mtc", "nothing of Tsp, S6m and T4 is known without it", false, false },
		{ "acl_scs",  "without it no SCS is let in, and no certificate is bound to its SCS", true, false },
		{ "app_tsp",  "without it no SCS is served", true, false },
		{ "app_s6m",  "without it no HSS is asked, and identity.source wants one", true, true },
		{ "app_t4",   "without it nothing is delivered", true, false },
	};
	const struct iwf_conf *conf = &f->k->ctl->conf;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		const struct ext *e = loaded(f, ours[i].name);
		char key[64];
		snprintf(key, sizeof key, "LoadExtension %s", ours[i].name);
		if (!e) {
			if (!ours[i].with_hss || (f->k->ctl->conf_ok && conf->service.identity_source != IWF_ID_LOCAL))
				complain_line(f->k, true, f->all, key, "%s.fdx is not loaded: %s", ours[i].name, ours[i].why);
			continue;
		}
		if (*e->file == '/' && access(e->file, R_OK) != 0)
			complain_line(f->k, true, e->at, key, "cannot read '%s': %m", e->file);
		if (ours[i].conf && !e->conf)
			complain_line(f->k, true, e->at, key, "it needs the node's configuration: LoadExtension = \"%s\" : \"%s\";",
			              e->file, f->k->ctl->conf_file);
		else if (ours[i].conf && !same_file(e->conf, f->k->ctl->conf_file))
			complain_line(f->k, true, e->at, key,
			              "its configuration is '%s', but this check is of '%s'; all of them take the same file", e->conf,
			              f->k->ctl->conf_file);
	}
	const struct ext *dump = loaded(f, "dbg_msg_dumps"), *wl = loaded(f, "acl_wl");
	if (dump)
		complain_line(f->k, true, dump->at, "LoadExtension dbg_msg_dumps",
		              "not on a node that others reach: it writes IMSIs to the log, and a malformed message can block the daemon in it");
	if (wl)
		complain_line(f->k, true, wl->at, "LoadExtension acl_wl",
		              "it lets peers in without binding their certificate to their name; acl_scs does that");
}

/* An SCS in ConnectPeer would come in past acl_scs. */
static void check_scs_peer(struct fd *f, sqlite3_stmt *st, const struct peer *p)
{
	sqlite3_reset(st);
	sqlite3_bind_text(st, 1, p->host, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		complain_line(f->k, true, p->at, "ConnectPeer",
		              "\"%s\" is the SCS %s; freeDiameter does not check the certificates of the peers in ConnectPeer when they "
		              "connect, so SCSs connect to us", p->host, (const char *)sqlite3_column_text(st, 0));
}

static void check_scs_peers(struct fd *f)
{
	struct ctl *c = f->k->ctl;
	const char *path = c->conf_ok ? c->conf.store.uri + strlen("sqlite:") : NULL;
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	if (path && sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT name FROM scs WHERE origin_host = ?1", -1, &st, NULL) == SQLITE_OK)
		for (size_t i = 0; i < f->npeers; i++)
			check_scs_peer(f, st, &f->peer[i]);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void wants_peer(struct fd *f, const char *what, const char *host)
{
	for (size_t i = 0; i < f->npeers; i++)
		if (strcasecmp(f->peer[i].host, host) == 0)
			return;
	complain_line(f->k, false, f->all, "ConnectPeer", "the %s \"%s\" is in no ConnectPeer; it is reached only by way of an agent", what,
	              host);
}

static void check_peers(struct fd *f)
{
	const struct ctl *c = f->k->ctl;
	check_scs_peers(f);
	if (!c->conf_ok)
		return;
	for (size_t i = 0; i < c->conf.service.nsmssc; i++)
		wants_peer(f, "SMS-SC", c->conf.service.smssc[i].node.host);
	for (size_t i = 0; c->conf.service.identity_source != IWF_ID_LOCAL && i < c->conf.service.nhss; i++)
		wants_peer(f, "HSS", c->conf.service.hss[i].node.host);
}

static void check_directives(struct fd *f)
{
	struct complaints *k = f->k;
	const char *identity = f->tls.identity, *wrong;
	if (!identity)
		complain_line(k, false, f->all, "Identity", "not given: the machine's name will be used; say Identity = \"host.realm\";");
	else if ((wrong = iwf_diamid_check((struct iwf_view){ (const uint8_t *)identity, strlen(identity) })))
		complain_line(k, true, f->at_identity, "Identity", "\"%s\": %s", identity, wrong);
	if (!f->realm && identity && !strchr(identity, '.'))
		complain_line(k, true, f->all, "Realm", "not given, and Identity has no domain to take it from");
	if (!f->tls.cert)
		complain_line(k, true, f->all, "TLS_Cred", "not given: TLS_Cred = \"certificate.pem\", \"key.pem\"; SCSs come by TLS");
	if (!f->tls.ca)
		complain_line(k, true, f->all, "TLS_CA", "not given: TLS_CA = \"ca.pem\"; the CA that signs the certificates of SCSs");
	if (!f->tls.prio)
		complain_line(k, true, f->all, "TLS_Prio", "not given: freeDiameter then allows TLS 1.0, 1.1 and CBC, which TS 33.210 6.2 "
		              "forbids; conf/freeDiameter.conf has the right one");
	if (f->dh_bits && f->dh_bits < 2048)
		complain_line(k, true, f->at_dh, "TLS_DH_Bits", "%lld is too few; 2048 or more", f->dh_bits);
	if (!f->no_relay)
		complain_line(k, true, f->all, "NoRelay", "not given: without `NoRelay;` SCSs could reach the HSS and SMS-SC through this node");
}

void fdconf_check(struct complaints *k, const char *file)
{
	struct fd f = { .k = k, .all = { file, 0 } };
	read_file(&f, file, 1, NULL);
	if (!f.broken && f.n)
		syntax(&f, &f.t[0].at, f.t[0].text, "this is not finished by a ';'");
	if (!f.broken) {                             /* else there would be complaints of what was not read */
		check_directives(&f);
		fdcert_check(k, &f.tls);
		check_extensions(&f);
		check_peers(&f);
	}
	for (size_t i = 0; i < f.ntexts; i++)
		free(f.texts[i]);
}
