/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What clients see of a generation, by allow= and deny= of its tables: which
 * tables there are for them, and what they are answered.
 */

#include "config.h"

#include "daemon/snapshot/views.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/digest.h"
#include "daemon/who/who_as.h"
#include "folder.h"
#include "talk.h"

#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))
#define ASK(key, more)	"{\"action\": \"search\", \"value\": \"" key "\"" \
			more "}"

static struct generation *gen;
static struct problems problems;

/* As a listener with client-ca= would let a line say it. */
static void
allow_too(const char *table, const char *words)
{
	const struct who_place place = { .problems = &problems,
	    .what = "allow=" };
	char *text = strdup(words);
	struct conf_table *t;

	STAILQ_FOREACH(t, &gen->conf->tables, entry)
		if (strcmp(t->name, table) == 0)
			assert_int_equal(who_words_read(&t->rule.allow, text,
			    &place), 0);
	free(text);
}

static int
setup(void **state)
{
	if (talk_setup(state) != 0)
		return -1;
	folder_write_text("hr.tsv", "salary\tplenty\nring\tof hr\n");
	folder_write_text("lab.tsv", "sample\tseven\nring\tof lab\n");
	folder_write_text("all.tsv", "sand\tbeach\nring\tof all\n");
	if (mkdir(folder_path("logos"), 0700) != 0)
		return -1;
	folder_write_text("logos/logo", "<svg>");
	gen = generation_load(folder_write_text("F",
	    "listen 127.0.0.1 0\nlisten /nowhere/socket\n"
	    "table hr file hr.tsv allow=group:1005 search=prefix,fuzzy\n"
	    "table lab file lab.tsv allow=192.0.2.0/24,unix deny=user:31000 "
	    "search=prefix,fuzzy\n"
	    "table all file all.tsv search=prefix,fuzzy\n"
	    "table logos binary logos allow=user:31000\n"), NULL, &problems);
	problems_print(&problems, stderr);
	if (gen == NULL)
		return -1;
	gen->number = 7;
	allow_too("hr", "cn:payroll.example");
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(gen->refs, 1);
	generation_unref(gen);
	return talk_teardown(state);
}

/* What a client sees, who is made up. */
static struct generation *
view(const char *client)
{
	const struct who_place place = { .problems = &problems,
	    .what = "client" };
	struct generation *v;
	struct who_as as;
	char *text = strdup(client);

	assert_int_equal(who_as_read(&as, text, &place), 0);
	v = views_find(gen, &as.who);
	who_as_clear(&as);
	free(text);
	return v;
}

static void
tables_are_there_for_those_who_may_ask(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.1", "main lab all " },
		{ "192.0.3.1", "main all " },
		{ "2001:db8::1", "main all " },
		{ "unix", "main lab all " },
		{ "user:31001", "main lab all " },
		{ "user:31000", "main all +logos " },
		{ "group:1005", "main hr lab all " },
		{ "user:31000,group:1005", "main hr all +logos " },
		{ "192.0.2.1,cn:payroll.example", "main hr lab all " },
		{ "192.0.3.1,cn:payroll.example", "main hr all " },
		{ "192.0.3.1,cn:other.example", "main all " },
		{ "192.0.3.1,dns:payroll.example", "main all " }
	};
	const struct table *const *list;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct generation *v = view(rows[i][0]);
		char seen[128] = "";

		list = snapshot_tables(v->snap, &n);
		for (size_t t = 0; t < n; t++) {
			strlcat(seen, table_name(list[t]), sizeof(seen));
			strlcat(seen, " ", sizeof(seen));
		}
		list = snapshot_blobs(v->snap, &n);
		assert_string_equal(table_name(list[0]), "main");
		if (n > 1)
			strlcat(seen, "+logos ", sizeof(seen));
		assert_string_equal(seen, rows[i][1]);
		assert_int_equal(v->number, 7);
		assert_int_equal(v->loaded_at, gen->loaded_at);
		assert_ptr_equal(v->conf, gen->conf);
	}
}

/* One for all who see the same, which lives and dies with its generation. */
static void
views_are_shared(void **state)
{
	struct generation *v = view("192.0.2.1"), *again;

	(void)state;
	assert_ptr_not_equal(v, gen);
	assert_ptr_equal(v, view("192.0.2.77"));
	assert_ptr_equal(v, view("unix"));
	assert_ptr_not_equal(v, view("192.0.3.1"));
	assert_int_equal(gen->refs, 1);
	assert_ptr_equal(generation_ref(v), v);
	assert_int_equal(gen->refs, 2);
	generation_unref(v);
	assert_int_equal(gen->refs, 1);
	/* Who sees all sees the generation itself. */
	again = generation_again(gen);
	assert_non_null(again);
	assert_non_null(again->views);
	assert_ptr_not_equal(again->views, gen->views);
	generation_unref(again);
	assert_int_equal(gen->refs, 1);
}

static void
a_generation_without_rules_has_no_views(void **state)
{
	struct generation *open, *again;
	struct who who = { .family = 0 };

	(void)state;
	open = generation_load(folder_write_text("O", "listen 127.0.0.1 0\n"
	    "table all file all.tsv\n"), NULL, &problems);
	assert_non_null(open);
	assert_null(open->views);
	assert_ptr_equal(views_find(open, &who), open);
	assert_null(views_hidden(open, &(struct appmsg_str)APPMSG_STR("all")));
	again = generation_again(open);
	assert_null(again->views);
	generation_unref(again);
	generation_unref(open);
}

static void
only_who_may_see_all_gets_all(void **state)
{
	struct generation *open = generation_load(folder_write_text("O",
	    "listen 127.0.0.1 0\ntable all file all.tsv allow=10.0.0.0/8\n"),
	    NULL, &problems), *was = gen;

	(void)state;
	assert_non_null(open);
	gen = open;
	assert_ptr_equal(view("10.0.0.1"), open);
	assert_ptr_not_equal(view("11.0.0.1"), open);
	gen = was;
	generation_unref(open);
}

/* Each has its own client, and is looked for by its name. */
static void
tables_are_named_in_any_order(void **state)
{
	static const char *const names[] = { "d", "b", "e", "a", "c" };
	struct generation *mixed = generation_load(folder_write_text("M",
	    "listen 127.0.0.1 0\n"
	    "table d file all.tsv allow=10.0.0.0\n"
	    "table b file all.tsv allow=10.0.0.1\n"
	    "table e file all.tsv allow=10.0.0.2\n"
	    "table a file all.tsv allow=10.0.0.3\n"
	    "table c file all.tsv allow=10.0.0.4\n"), NULL, &problems);
	struct generation *was = gen;
	const struct table *const *list;
	char client[32];
	size_t n;

	(void)state;
	assert_non_null(mixed);
	gen = mixed;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(client, sizeof(client), "10.0.0.%zu", i);
		list = snapshot_tables(view(client)->snap, &n);
		assert_int_equal(n, 2);
		assert_string_equal(table_name(list[1]), names[i]);
	}
	gen = was;
	generation_unref(mixed);
}

/* A table that answers later is hidden as the others are. */
static void
tables_that_answer_later_are_hidden(void **state)
{
	const struct later seen = { .name = "all" }, hidden = { .name = "hr" };
	struct generation *later = generation_load(folder_path("F"), NULL,
	    &problems), *was = gen, *v;
	const struct later *asked;
	struct snapshot_answer a;
	size_t at = 0;

	(void)state;
	assert_int_equal(snapshot_add_later(later->snap, &hidden, 0), 0);
	assert_int_equal(snapshot_add_later(later->snap, &seen, 4), 0);
	gen = later;
	v = view("192.0.3.1");
	gen = was;
	assert_null(snapshot_later(v->snap,
	    &(struct appmsg_str)APPMSG_STR("hr")));
	assert_non_null(snapshot_later(v->snap,
	    &(struct appmsg_str)APPMSG_STR("all")));
	assert_int_equal(snapshot_find_from(v->snap, &at, "sand", 4, &a,
	    &asked), SNAPSHOT_FOUND);
	at = 0;
	assert_int_equal(snapshot_find_from(v->snap, &at, "none", 4, &a,
	    &asked), SNAPSHOT_LATER);
	assert_string_equal(asked->name, "all");
	at = 0;
	assert_int_equal(snapshot_find_from(later->snap, &at, "sand", 4, &a,
	    &asked), SNAPSHOT_LATER);
	assert_string_equal(asked->name, "hr");
	generation_unref(later);
}

/* One request of a client that sees this; its reply. */
static void
expect(struct generation *of, const char *type, const char *members,
    const char *content, const char *reply_type, const char *reply_members,
    const char *reply)
{
	struct buf b = { 0 };
	struct talk t;

	talk_add(&b, type, members, content, strlen(content));
	talk_init(&t, true);
	t.env.gen = of;
	talk_feed(&t, b.data, b.len);
	assert_int_equal(t.verdict, STREAM_MORE);
	talk_expect_reply(&t, 0, reply_type, strcmp(reply_type,
	    "text/json") == 0 ? "utf-8" : "binary", reply_members, reply,
	    strlen(reply));
	talk_clear(&t);
	buf_clear(&b);
}

#define EXPECT(of, content, status, reply)				\
	expect(of, "text/json", KEEP, content, "text/json",		\
	    KEEP ", \"status\": \"" status "\"", reply)

static void
what_one_may_not_ask_is_not_there(void **state)
{
	struct generation *few = view("192.0.3.1");
	struct generation *lab = view("192.0.2.1");

	(void)state;
	for (int fast = 0; fast < 2; fast++) {
		talk_use_fast = fast;
		/* In turn, without the members that are opt-in too. */
		EXPECT(few, ASK("ring", ""), "found",
		    "{\"result\": \"of all\"}");
		EXPECT(lab, ASK("ring", ""), "found",
		    "{\"result\": \"of lab\"}");
		EXPECT(gen, ASK("ring", ""), "found",
		    "{\"result\": \"of hr\"}");
		EXPECT(few, ASK("salary", ""), "not-found",
		    "{\"result\": \"No match for \\\"salary\\\".\"}");
		expect(few, "text/json", "", ASK("salary", ""), "text/json",
		    "", "{\"result\": \"No match for \\\"salary\\\".\"}");
	}
	/* By searches. */
	EXPECT(few, ASK("sa", ", \"match\": \"prefix\""), "found",
	    "{\"result\": \"beach\", \"matches\": [{\"key\": \"sand\", "
	    "\"result\": \"beach\"}], \"more\": false}");
	EXPECT(few, ASK("ring", ", \"match\": \"prefix\""), "found",
	    "{\"result\": \"of all\", \"matches\": [{\"key\": \"ring\", "
	    "\"result\": \"of all\"}], \"more\": false}");
	EXPECT(lab, ASK("sa", ", \"match\": \"prefix\""), "found",
	    "{\"result\": \"seven\", \"matches\": [{\"key\": \"sample\", "
	    "\"result\": \"seven\"}, {\"key\": \"sand\", \"result\": "
	    "\"beach\"}], \"more\": false}");
	EXPECT(few, ASK("salari", ", \"match\": \"fuzzy\""), "not-found",
	    "{\"result\": \"No match for \\\"salari\\\".\", "
	    "\"matches\": [], \"more\": false}");
	/* As what was perhaps meant. */
	expect(few, "text/json", KEEP ", \"suggest\": 3", ASK("salari", ""),
	    "text/json", KEEP ", \"status\": \"not-found\", "
	    "\"suggestions\": []",
	    "{\"result\": \"No match for \\\"salari\\\".\"}");
	expect(gen, "text/json", KEEP ", \"suggest\": 3", ASK("salari", ""),
	    "text/json", KEEP ", \"status\": \"not-found\", "
	    "\"suggestions\": [\"salary\"]",
	    "{\"result\": \"No match for \\\"salari\\\".\"}");
}

static void
a_table_that_is_named_is_denied(void **state)
{
	struct generation *few = view("192.0.3.1");
	struct generation *lab = view("192.0.2.1");

	(void)state;
	EXPECT(few, ASK("salary", ", \"table\": \"hr\""), "denied",
	    "{\"result\": \"Error: you may not ask table \\\"hr\\\".\"}");
	EXPECT(few, ASK("none", ", \"table\": \"h\\u0072\""), "denied",
	    "{\"result\": \"Error: you may not ask table \\\"hr\\\".\"}");
	EXPECT(few, ASK("s", ", \"table\": \"lab\", \"match\": \"prefix\""),
	    "denied",
	    "{\"result\": \"Error: you may not ask table \\\"lab\\\".\"}");
	expect(few, "text/json", ", \"id\": 1", ASK("salary",
	    ", \"table\": \"hr\""), "text/json",
	    ", \"id\": 1, \"status\": \"denied\"",
	    "{\"result\": \"Error: you may not ask table \\\"hr\\\".\"}");
	EXPECT(lab, ASK("sample", ", \"table\": \"lab\""), "found",
	    "{\"result\": \"seven\"}");
	EXPECT(gen, ASK("salary", ", \"table\": \"hr\""), "found",
	    "{\"result\": \"plenty\"}");
	EXPECT(few, ASK("sand", ", \"table\": \"all\""), "found",
	    "{\"result\": \"beach\"}");
	/* One that is none, or has no answers, is none for everybody. */
	EXPECT(few, ASK("sand", ", \"table\": \"none\""), "error\", "
	    "\"error\": \"no-table",
	    "{\"result\": \"Error: there is no such table.\"}");
	EXPECT(few, ASK("sand", ", \"table\": \"logos\""), "error\", "
	    "\"error\": \"no-table",
	    "{\"result\": \"Error: there is no such table.\"}");
}

/* Those that may be asked, where there are any at all. */
static void
tables_that_are_hidden_are_not_named(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.3.1", "{\"result\": \"all\", "
		    "\"tables\": [\"all\"]}" },
		{ "192.0.2.1", "{\"result\": \"lab\\nall\", "
		    "\"tables\": [\"lab\", \"all\"]}" },
		{ "192.0.2.1,cn:payroll.example", "{\"result\": "
		    "\"hr\\nlab\\nall\", \"tables\": "
		    "[\"hr\", \"lab\", \"all\"]}" }
	};
	struct generation *was = gen, *closed = generation_load(
	    folder_write_text("C", "listen 127.0.0.1 0\n"
	    "table all file all.tsv allow=10.0.0.0/8\n"), NULL, &problems);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int fast = 0; fast < 2; fast++) {
			talk_use_fast = fast;
			EXPECT(view(rows[i][0]), "{\"action\": \"tables\"}",
			    "found", rows[i][1]);
		}
	assert_non_null(closed);
	gen = closed;
	EXPECT(view("11.0.0.1"), "{\"action\": \"tables\"}", "not-found",
	    "{\"result\": \"No tables.\", \"tables\": []}");
	gen = was;
	generation_unref(closed);
}

static void
bytes_are_hidden_too(void **state)
{
	(void)state;
	expect(view("user:31000"), "x", KEEP, "logo",
	    "application/octet-stream", KEEP ", \"status\": \"found\"",
	    "<svg>");
	expect(view("user:31001"), "x", KEEP, "logo",
	    "binary/custom-server-binary-type",
	    KEEP ", \"status\": \"not-found\"",
	    "First 10 bytes of request: logo");
}

/* What one may not ask does not show in it. */
static void
a_digest_is_of_what_one_sees(void **state)
{
	const struct snapshot *all = view("192.0.3.1")->snap;
	const struct snapshot *lab = view("unix")->snap;
	struct problems none = PROBLEMS_INIT;
	struct generation *other;

	(void)state;
	assert_memory_not_equal(snapshot_digest(all), snapshot_digest(lab),
	    sizeof(struct digest));
	assert_memory_not_equal(snapshot_digest(gen->snap),
	    snapshot_digest(lab), sizeof(struct digest));
	other = generation_load(folder_write_text("G",
	    "listen 127.0.0.1 0\n"
	    "table all file all.tsv search=exact\n"), NULL, &none);
	assert_non_null(other);
	assert_memory_equal(snapshot_digest(all), snapshot_digest(other->snap),
	    sizeof(struct digest));
	generation_unref(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_there_for_those_who_may_ask),
		cmocka_unit_test(a_digest_is_of_what_one_sees),
		cmocka_unit_test(views_are_shared),
		cmocka_unit_test(a_generation_without_rules_has_no_views),
		cmocka_unit_test(only_who_may_see_all_gets_all),
		cmocka_unit_test(tables_are_named_in_any_order),
		cmocka_unit_test(tables_that_answer_later_are_hidden),
		cmocka_unit_test(what_one_may_not_ask_is_not_there),
		cmocka_unit_test(a_table_that_is_named_is_denied),
		cmocka_unit_test(tables_that_are_hidden_are_not_named),
		cmocka_unit_test(bytes_are_hidden_too)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
