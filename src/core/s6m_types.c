#include <stdlib.h>
#include "s6m_types.h"

void s6m_sia_free(struct s6m_sia *sia)
{
	if (!sia)
		return;
	free(sia->nodes);
	sia->nodes = NULL;
	sia->nodes_len = 0;
}
