/* peer_certs.h - a small PKI for tests, made anew each time: EC P-256, PEM. */
#pragma once
#include <stdbool.h>

/* Writes into dir: ca.pem; server.pem, client.pem, late.pem (expired), nameless.pem
 * (another name), client-only.pem (may not be a server), each of that CA with its
 * .key; other-ca.pem, and stranger.pem with its key from that one.  server.pem is
 * for server.test, localhost and 127.0.0.1; client.pem for scs.test.  False: no. */
bool peer_certs_make(const char *dir);
void peer_certs_remove(const char *dir);   /* the files and the directory */
