/* map.h - a small hash table of links that live in the things themselves.
 *
 * The caller makes the 64-bit hash and, where two things can share one, compares
 * the keys: walk iwf_map_first() and iwf_map_next(). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iwf_map_link { struct iwf_map_link *next; uint64_t hash; bool in; };
struct iwf_map { struct iwf_map_link **slots; size_t nslots, n; };

/* The thing that a link is a member of. */
#define IWF_MAP_OWNER(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

bool iwf_map_init(struct iwf_map *);   /* false: no memory */
void iwf_map_free(struct iwf_map *);   /* the table, not what is in it */

/* Never fails: without memory to grow, the chains get longer. */
void iwf_map_add(struct iwf_map *, struct iwf_map_link *, uint64_t hash);
/* A link that is in no table (all zeroes) is left as it is. */
void iwf_map_del(struct iwf_map *, struct iwf_map_link *);

/* All links of exactly that hash, in no order; NULL at the end. */
struct iwf_map_link *iwf_map_first(const struct iwf_map *, uint64_t hash);
struct iwf_map_link *iwf_map_next(const struct iwf_map_link *);
/* All links; start with NULL.  Take the next one before you remove this one. */
struct iwf_map_link *iwf_map_each(const struct iwf_map *, const struct iwf_map_link *last);

/* Hashes to start from.  `seed` keeps a peer from choosing numbers that collide. */
uint64_t iwf_map_hash_u64(uint64_t seed, uint64_t v);
uint64_t iwf_map_hash_str(uint64_t seed, const char *s);   /* ASCII letters count without their case */
