/* hurry.c - to preload into freeDiameterd: from when the file $HURRY is there, it gives up at once where it would wait some
 * milliseconds for its threads to leave a queue. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int usleep(useconds_t us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	const char *file = getenv("HURRY");

	if (us == 1000 && file && access(file, F_OK) == 0)
		abort();
	return nanosleep(&t, NULL);
}
