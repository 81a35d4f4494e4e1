/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The harness without a fuzzer.  Inputs are replayed: those in the files and
 * folders that are named, by default the harness's corpus below APPMSG_TOP.
 * That there are none is a failure, or nothing would be tested unnoticed.
 *
 * Of the default ones others are made, the same ones each time:
 *
 *	FUZZ_RUNS	so many, else as the harness says
 *	FUZZ_SEED	others, by default those of 1
 *
 * The input in hand when all ends early, or takes longer than any may, is left
 * in PROGRAM.failed.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX	4096	/* bytes of one that is made */
#define SECONDS_MAX	120	/* of any */
#define CHANGES_MAX	12	/* that are made to one at once */

struct input {
	uint8_t *data;		/* owned */
	size_t len;
};

static struct input *inputs;	/* of the default corpus */
static size_t n_inputs;
static uint64_t state;		/* of fuzz_random() */
static const char *name;	/* of the harness */
static const uint8_t *tried;	/* the input in hand */
static size_t tried_len;

#pragma weak LLVMFuzzerCustomMutator
extern void __sanitizer_set_death_callback(void (*)(void));
#pragma weak __sanitizer_set_death_callback

static void
leave_input(void)
{
	char path[PATH_MAX];
	int fd;

	if (tried == NULL)
		return;
	snprintf(path, sizeof(path), "fuzz_%s.failed", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd != -1 && write(fd, tried, tried_len) == (ssize_t)tried_len)
		fprintf(stderr, "the input is in %s\n", path);
	tried = NULL;
}

static void
died(int sig)
{
	leave_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
catch_deaths(void)
{
	signal(SIGABRT, died);
	signal(SIGALRM, died);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(leave_input);
	else
		signal(SIGSEGV, died);
}

static void
try_input(const uint8_t *data, size_t len)
{
	/* Of just its size: the sanitizers see a byte read too far. */
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		err(1, NULL);
	memcpy(copy, data, len);
	tried = copy;
	tried_len = len;
	alarm(SECONDS_MAX);
	LLVMFuzzerTestOneInput(copy, len);
	alarm(0);
	tried = NULL;
	free(copy);
}

/* Any directory entry but hidden ones. */
static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
take_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *f = fopen(path, "rb");

	inputs = reallocarray(inputs, n_inputs + 1, sizeof(*inputs));
	if (data == NULL || f == NULL || inputs == NULL)
		err(1, "%s", path);
	if (fread(data, 1, size, f) != size)
		errx(1, "%s: cannot read it", path);
	fclose(f);
	if (getenv("FUZZ_VERBOSE") != NULL)
		fprintf(stderr, "%s\n", path);
	inputs[n_inputs++] = (struct input){ data, size };
	try_input(data, size);
}

static void
replay(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int found;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		take_file(path, (size_t)st.st_size);
		return;
	}
	if ((found = scandir(path, &entries, is_visible, alphasort)) == -1)
		err(1, "%s", path);
	for (int i = 0; i < found; i++) {
		char below[PATH_MAX];

		if (snprintf(below, sizeof(below), "%s/%s", path,
		    entries[i]->d_name) >= (int)sizeof(below))
			errx(1, "%s: the path is too long", path);
		replay(below);
		free(entries[i]);
	}
	free(entries);
}

/* Put bytes over others, or between them. */
static size_t
put_bytes(uint8_t *data, size_t len, size_t max, const uint8_t *from, size_t n,
    bool insert)
{
	size_t at = fuzz_random(&state, (uint32_t)len + 1);
	size_t over = insert ? 0 : n < len - at ? n : len - at;

	if (n > max - len)
		n = max - len;
	memmove(data + at + n, data + at + over, len - at - over);
	memcpy(data + at, from, n);
	return len - over + n;
}

size_t
LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max)
{
	static const char bytes[] = "\0\t\n \"\\/,:{}[]0179-+.eu\x7f\x80\xff";
	const struct input *other = &inputs[fuzz_random(&state,
	    (uint32_t)n_inputs)];
	uint8_t some[16], *at = data + fuzz_random(&state,
	    len > 0 ? (uint32_t)len : 1);
	size_t n = 1 + fuzz_random(&state, sizeof(some)), from;

	for (size_t i = 0; i < n; i++)
		some[i] = (uint8_t)(fuzz_random(&state, 4) > 0 ?
		    bytes[fuzz_random(&state, sizeof(bytes) - 1)] :
		    (char)fuzz_random(&state, 256));
	switch (len == 0 ? 0 : fuzz_random(&state, 6)) {
	case 0:
		return put_bytes(data, len, max, some, n, true);
	case 1:
		return put_bytes(data, len, max, some, n > 4 ? 1 : n, false);
	case 2:
		*at ^= (uint8_t)(1u << fuzz_random(&state, 8));
		return len;
	case 3:
		if (n > (size_t)(data + len - at))
			n = (size_t)(data + len - at);
		memmove(at, at + n, (size_t)(data + len - at) - n);
		return len - n;
	default:
		from = fuzz_random(&state, (uint32_t)other->len + 1);
		n = fuzz_random(&state, (uint32_t)(other->len - from) + 1);
		return put_bytes(data, len, max, other->data + from, n > 200 ?
		    200 : n, fuzz_random(&state, 2));
	}
}

/* Inputs out of those of the corpus. */
static void
try_random(unsigned int runs)
{
	static uint8_t data[INPUT_MAX];

	for (unsigned int i = 0; i < runs; i++) {
		const struct input *from = &inputs[fuzz_random(&state,
		    (uint32_t)n_inputs)];
		unsigned int changes = 1 + fuzz_random(&state, CHANGES_MAX);
		size_t len = from->len < INPUT_MAX ? from->len : INPUT_MAX;

		memcpy(data, from->data, len);
		while (changes-- > 0)
			len = LLVMFuzzerCustomMutator != NULL ?
			    LLVMFuzzerCustomMutator(data, len, INPUT_MAX,
			    fuzz_random(&state, INT32_MAX)) :
			    LLVMFuzzerMutate(data, len, INPUT_MAX);
		try_input(data, len);
	}
}

/* A number of the environment, or another one. */
static unsigned int
setting(const char *variable, unsigned int other)
{
	const char *text = getenv(variable), *why = NULL;
	long long n = other;

	if (text != NULL)
		n = strtonum(text, 0, INT_MAX, &why);
	if (why != NULL)
		errx(1, "%s is %s", variable, why);
	return (unsigned int)n;
}

int
main(int argc, char *argv[])
{
	const char *top = getenv("APPMSG_TOP");
	char corpus[PATH_MAX];
	unsigned int runs = 0;

	if ((name = strstr(argv[0], "fuzz_")) == NULL)
		errx(1, "%s: not the name of a harness", argv[0]);
	name += strlen("fuzz_");
	catch_deaths();
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s",
		    top != NULL ? top : ".", name);
		replay(corpus);
		runs = n_inputs > 0 ? setting("FUZZ_RUNS", fuzz_runs) : 0;
		state = setting("FUZZ_SEED", 1);
		try_random(runs);
	}
	printf("%zu inputs, %u made of them\n", n_inputs, runs);
	for (size_t i = 0; i < n_inputs; i++)
		free(inputs[i].data);
	free(inputs);
	return n_inputs > 0 ? 0 : 1;
}
