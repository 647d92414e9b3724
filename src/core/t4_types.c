#include <stdlib.h>
#include "t4_types.h"

void t4_dtr_free(struct t4_dtr *dtr)
{
	if (!dtr)
		return;
	free(dtr->blob);
	dtr->blob = NULL;
	dtr->payload = dtr->nodes = (struct iwf_view){ NULL, 0 };
}
