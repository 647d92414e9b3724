#include <stdlib.h>
#include <string.h>
#include "effects.h"

struct iwf_effect *iwf_effects_add(struct iwf_effects *fx, enum iwf_fx_kind kind)
{
	if (fx->n == fx->cap) {
		size_t cap = fx->cap ? fx->cap * 2 : 16;
		struct iwf_effect *v = realloc(fx->v, cap * sizeof *v);

		if (!v)
			abort();
		fx->v = v;
		fx->cap = cap;
	}
	struct iwf_effect *e = &fx->v[fx->n++];

	memset(e, 0, sizeof *e);
	e->kind = kind;
	return e;
}

void iwf_effects_cut(struct iwf_effects *fx, size_t keep)
{
	while (fx->n > keep) {
		struct iwf_effect *e = &fx->v[--fx->n];

		if (e->kind == IWF_FX_SUBMIT)
			t4_dtr_free(&e->u.submit.dtr);
	}
}

void iwf_effects_free(struct iwf_effects *fx)
{
	iwf_effects_cut(fx, 0);
	free(fx->v);
	*fx = (struct iwf_effects){ NULL, 0, 0 };
}
