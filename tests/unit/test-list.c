/* SPDX-License-Identifier: Apache-2.0 */
/* The intrusive list: order, removal while walking, and removing twice. */
#include "util/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
	int number;
	struct list link;
};

static void fill(struct list *head, struct item *items, int count)
{
	list_init(head);
	for (int i = 0; i < count; i++) {
		items[i].number = i;
		list_append(head, &items[i].link);
	}
}

static void test_list_is_walked_in_the_order_of_appending(void **state)
{
	struct item items[5];
	struct list head;
	int expected = 0;

	(void)state;
	fill(&head, items, 5);
	list_each (l, next, &head)
		assert_int_equal(container_of(l, struct item, link)->number, expected++);
	assert_int_equal(expected, 5);
}

static void test_list_new_is_empty_and_is_walked_zero_times(void **state)
{
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	list_each (l, next, &head)
		fail();
}

static void test_list_items_may_go_while_it_is_walked(void **state)
{
	struct item items[6];
	struct list head;
	int seen = 0;

	(void)state;
	fill(&head, items, 6);
	list_each (l, next, &head) {
		seen++;
		if (container_of(l, struct item, link)->number % 2 == 0)
			list_remove(l);
	}
	assert_int_equal(seen, 6);
	seen = 0;
	list_each (l, next, &head)
		assert_int_equal(container_of(l, struct item, link)->number, 2 * seen++ + 1);
	assert_int_equal(seen, 3);
}

static void test_list_removing_twice_harms_nobody(void **state)
{
	struct item items[3];
	struct list head;

	(void)state;
	fill(&head, items, 3);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_ptr_equal(items[0].link.next, &items[2].link);
	assert_true(list_empty(&items[1].link));
	list_remove(&items[0].link);
	list_remove(&items[2].link);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_is_walked_in_the_order_of_appending),
		cmocka_unit_test(test_list_new_is_empty_and_is_walked_zero_times),
		cmocka_unit_test(test_list_items_may_go_while_it_is_walked),
		cmocka_unit_test(test_list_removing_twice_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
