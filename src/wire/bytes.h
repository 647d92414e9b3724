/* bytes.h - big-endian integers and padding, for the files of this folder. */
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline uint32_t dia_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t dia_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | dia_be24(p + 1);
}

static inline void dia_set24(uint8_t *p, uint32_t v)
{
	p[0] = v >> 16;
	p[1] = v >> 8;
	p[2] = v;
}

static inline void dia_set32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	dia_set24(p + 1, v);
}

static inline size_t dia_padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}
