/* replay.c - runs a fuzz target without libFuzzer: every seed as it is, and some thousand mutations of each that are the
 * same every time.
 *
 *   replay_TARGET [FILE...]    these inputs alone, as they are; without: SEEDS, mutated
 *
 * FUZZ_MUTATIONS: mutations of each seed; FUZZ_START: a number for other ones.  The target runs in a process of its own, so that
 * what kills it can be told and kept. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fuzz.h"

#define INPUT_MAX 65536

/* What is being tried, for whoever outlives it. */
struct now { char seed[256]; unsigned long number; size_t n; uint8_t input[INPUT_MAX]; };
static struct now *now;
static struct fuzz_random numbers;
static unsigned long runs;

__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	return fuzz_mutate_bytes(&numbers, data, size, max_size);
}

static size_t read_input(const char *path, uint8_t *p)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	n = fread(p, 1, INPUT_MAX, f);
	fclose(f);
	return n;
}

/* In memory of just its size, so that a sanitizer sees the octet after it. */
static void run(void)
{
	uint8_t *copy = malloc(now->n);

	if (!copy)
		abort();
	memcpy(copy, now->input, now->n);
	LLVMFuzzerTestOneInput(copy, now->n);
	free(copy);
	runs++;
}

static void run_file(const char *path, unsigned long mutations, unsigned long start)
{
	static uint8_t seed[INPUT_MAX];
	const size_t n = read_input(path, seed);

	snprintf(now->seed, sizeof(now->seed), "%s", path);
	for (now->number = 0; now->number <= mutations; now->number++) {
		memcpy(now->input, seed, n);
		now->n = n;
		if (now->number) {
			numbers = fuzz_random_from(start, now->number);
			now->n = LLVMFuzzerCustomMutator(now->input, n, INPUT_MAX, fuzz_random(&numbers, 0xffffffff));
		}
		run();
	}
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_seeds(void)
{
	const unsigned long mutations = number_of("FUZZ_MUTATIONS", MUTATIONS), start = number_of("FUZZ_START", 1);
	struct dirent **list;
	int n = scandir(SEEDS, &list, NULL, by_name);
	unsigned files = 0;
	char path[512];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", SEEDS, list[i]->d_name);
		if (list[i]->d_name[0] != '.') {
			run_file(path, mutations, start);
			files++;
		}
		free(list[i]);
	}
	if (!files) {
		fprintf(stderr, "no seeds in %s\n", SEEDS);
		exit(2);
	}
	free(list);
	printf("%u seeds, %lu inputs\n", files, runs);
}

/* What it died of is kept beside the program, and can be given to it as FILE. */
static int tell(const char *program, int status)
{
	char path[512];
	FILE *f;

	if (WIFSIGNALED(status))
		fprintf(stderr, "died of signal %d", WTERMSIG(status));
	else
		fprintf(stderr, "ended with status %d", WEXITSTATUS(status));
	fprintf(stderr, " with %s, mutation %lu\n", now->seed, now->number);
	snprintf(path, sizeof(path), "%s.crash", program);
	f = fopen(path, "wb");
	if (f) {
		fwrite(now->input, 1, now->n, f);
		fclose(f);
		fprintf(stderr, "that input is in %s\n", path);
	}
	return 1;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (now == MAP_FAILED)
		return 2;
	pid = fork();
	if (pid == 0) {
		for (int i = 1; i < argc; i++)
			run_file(argv[i], 0, 0);
		if (argc == 1)
			run_seeds();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 2;
	return status ? tell(argv[0], status) : 0;
}
