/* hurry.c - to preload into freeDiameterd: who sleeps for a millisecond, so that other threads get on, does not sleep at
 * all, as if the others had no processor meanwhile. */
#include <time.h>
#include <unistd.h>

int usleep(useconds_t us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	return us == 1000 ? 0 : nanosleep(&t, NULL);
}
