/* wire_samples.c - every command with every AVP and, over the rounds, every value of an
 * enumeration, as a hex dump for text2pcap. */
#include <stdio.h>
#include "wire_fill.h"

int main(void)
{
	struct dia_writer w = { 0 };

	for (size_t c = 0; c < dia_ncmds; c++)
		for (unsigned round = 0; round < 20; round++) {
			if (!fill_message(&w, &dia_cmds[c], round))
				return 1;
			for (size_t i = 0; i < w.n; i++) {
				if (i % 16 == 0)
					printf("\n%06zx", i);
				printf(" %02x", w.p[i]);
			}
			putchar('\n');
		}
	dia_writer_free(&w);
	return 0;
}
