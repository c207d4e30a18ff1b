/* SPDX-License-Identifier: Apache-2.0 */
/* XML topologies: the translation of version 3, and files that are none. */
#include "drivers/topology-xml.h"

#include "tests/unit/small-machine.h"
#include "util/cleanup.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SETS(cpus)                                                           \
	" cpuset=\"" cpus "\" complete_cpuset=\"" cpus "\" nodeset=\"0x1\" " \
	"complete_nodeset=\"0x1\""

/* One package, a node, one core of two threads, a bridge with a NIC. */
#define MACHINE(version)                                                                                                                                                      \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                                                                                        \
	"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"                                                                                                                         \
	"<topology version=\"" version "\">\n"                                                                                                                                \
	"<object type=\"Machine\" os_index=\"0\"" SETS(                                                                                                                       \
		"0x3") " allowed_cpuset=\"0x3\" allowed_nodeset=\"0x1\" gp_index=\"1\">\n"                                                                                    \
		       "<object type=\"Package\" os_index=\"0\"" SETS(                                                                                                        \
			       "0x3") " gp_index=\"2\">\n"                                                                                                                    \
				      "<object type=\"NUMANode\" os_index=\"0\"" SETS(                                                                                        \
					      "0x3") " gp_index=\"3\" "                                                                                                       \
						     "local_memory=\"1048576\"/>\n"                                                                                           \
						     "<object type=\"Core\" os_index=\"0\"" SETS(                                                                             \
							     "0x3") " gp_index=\"4\">\n"                                                                                      \
								    "<object type=\"PU\" "                                                                                    \
								    "os_index=\"0\"" SETS(                                                                                    \
									    "0x1") " gp_index="                                                                               \
										   "\"5\"/>\n"                                                                                \
										   "<object "                                                                                 \
										   "type=\"PU\" "                                                                             \
										   "os_index="                                                                                \
										   "\"1\"" SETS(                                                                              \
											   "0x2") " gp_index=\"6\"/>\n"                                                       \
												  "</object>\n"                                                               \
												  "<object type=\"Bridge\" gp_index=\"7\" bridge_type=\"0-1\" depth=\"0\""    \
												  " bridge_pci=\"0000:[00-02]\">\n"                                           \
												  "<object type=\"PCIDev\" gp_index=\"8\" pci_busid=\"0000:02:00.0\""         \
												  " pci_type=\"0200 [8086:1521] [0000:0000] 01\" pci_link_speed=\"0.0\">\n"   \
												  "<object type=\"OSDev\" gp_index=\"9\" name=\"eth0\" osdev_type=\"16\"/>\n" \
												  "</object>\n</object>\n</object>\n</object>\n"                              \
												  "<info name=\"Architecture\" value=\"riscv64\"/>\n"                         \
												  "</topology>\n"

static char *translated(const char *text)
{
	char *out = NULL;
	size_t size = 0;

	assert_int_equal(topology_xml_translate(text, &out, &size), 0);
	assert_int_equal(strlen(out), size);
	return out;
}

static void test_translation_lowers_the_version(void **state)
{
	_cleanup_free_ char *out =
		translated("<?xml version=\"1.0\"?><topology version=\"3.0\"></topology>");

	(void)state;
	assert_string_equal(out, "<?xml version=\"1.0\"?><topology version=\"2.0\"></topology>");
}

static void test_translation_turns_osdev_bits_into_the_old_number(void **state)
{
	static const struct {
		const char *bits;
		int type;
	} vectors[] = {
		{ "1", HWLOC_OBJ_OSDEV_BLOCK },	   { "3", HWLOC_OBJ_OSDEV_BLOCK },
		{ "4", HWLOC_OBJ_OSDEV_GPU },	   { "12", HWLOC_OBJ_OSDEV_COPROC },
		{ "16", HWLOC_OBJ_OSDEV_NETWORK }, { "48", HWLOC_OBJ_OSDEV_OPENFABRICS },
		{ "64", HWLOC_OBJ_OSDEV_DMA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *out = NULL;
		char text[128], wanted[128];

		(void)snprintf(text, sizeof(text),
			       "<topology><object a=\"b\" osdev_type=\"%s\" c=\"d\"/></topology>",
			       vectors[i].bits);
		(void)snprintf(wanted, sizeof(wanted),
			       "<topology><object a=\"b\" osdev_type=\"%d\" c=\"d\"/></topology>",
			       vectors[i].type);
		out = translated(text);
		assert_string_equal(out, wanted);
	}
}

static void test_translation_moves_infos_of_the_topology_into_the_root(void **state)
{
	_cleanup_free_ char *out = translated("<topology version=\"3.0\"><object type=\"Machine\">"
					      "<info name=\"in\"/></object><info name=\"out\"/>"
					      "</topology>");

	(void)state;
	assert_string_equal(out, "<topology version=\"2.0\"><object type=\"Machine\">"
				 "<info name=\"out\"/><info name=\"in\"/></object></topology>");
}

static void test_translation_refuses_a_tag_that_does_not_end(void **state)
{
	char *out = NULL;
	size_t size;

	(void)state;
	assert_int_equal(topology_xml_translate("<topology version=\"3.0", &out, &size), -EINVAL);
	assert_int_equal(topology_xml_translate("<topology><object ", &out, &size), -EINVAL);
	assert_int_equal(topology_xml_translate("", &out, &size), -EINVAL);
	assert_int_equal(topology_xml_translate("<other/>", &out, &size), -EINVAL);
	assert_null(out);
}

static void test_translation_survives_odd_tags(void **state)
{
	static const char *const odd[] = {
		"<topology><></></></></></></></topology>",
		"<topology></topology></topology></object><info/>",
		"<topology><object osdev_type=\"\"/><object osdev_type=\"x\"/></topology>",
		"<topology><object osdev_type=\"99999999999999999999\"></topology>",
		"<topology version=\"3.\"><info/><info></info></topology>",
		"<topology/>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		free(translated(odd[i]));
}

static void check_machine(const char *text)
{
	struct fail f = { 0 };
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover_xml(text, &f);
	struct inventory_summary s;
	const struct device *nic;

	if (!inv)
		fail_msg("%s", f.text);
	inventory_summarise(inv, &s);
	assert_int_equal(s.packages, 1);
	assert_int_equal(s.numa_nodes, 1);
	assert_int_equal(s.cores, 1);
	assert_int_equal(s.threads, 2);
	assert_true(inv->machine.smt);
	nic = inventory_find(inv, "pci-0000:02:00.0");
	assert_non_null(nic);
	assert_int_equal(nic->node, 0);
	assert_int_equal(nic->function.class_code, 0x020000);
}

static void test_machine_of_version_2_and_3_is_the_same(void **state)
{
	(void)state;
	check_machine(MACHINE("2.0"));
	check_machine(MACHINE("3.0"));
}

static void test_infos_of_version_3_reach_the_machine(void **state)
{
	struct fail f = { 0 };
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover_xml(MACHINE("3.0"), &f);

	(void)state;
	assert_non_null(inv);
	assert_string_equal(inv->machine.architecture, "riscv64");
	assert_null(inv->machine.kernel);
}

static void test_a_file_that_is_no_topology_is_refused_with_a_sentence(void **state)
{
	static const char *const garbage[] = {
		"",
		"\n",
		"not xml",
		"<topology",
		"<topology>",
		"<topology version=\"3.0\">",
		"<topology version=\"2.0\"><object type=\"Machine\"></topology>",
		"<topology version=\"2.0\"></topology>",
		"<topology version=\"9.0\"><object type=\"Machine\"/></topology>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct fail f = { 0 };

		assert_null(small_machine_discover_xml(garbage[i], &f));
		assert_true(f.error < 0);
		assert_true(strlen(f.text) > 10);
	}
}

static void test_a_topology_cut_anywhere_never_crashes(void **state)
{
	static const char whole[] = MACHINE("3.0");

	(void)state;
	for (size_t length = 0; length + 1 < sizeof(whole); length += 97) {
		_cleanup_free_ char *cut = strndup(whole, length);
		struct fail f = { 0 };

		assert_null(small_machine_discover_xml(cut, &f));
		assert_true(f.error < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translation_lowers_the_version),
		cmocka_unit_test(test_translation_turns_osdev_bits_into_the_old_number),
		cmocka_unit_test(test_translation_moves_infos_of_the_topology_into_the_root),
		cmocka_unit_test(test_translation_refuses_a_tag_that_does_not_end),
		cmocka_unit_test(test_translation_survives_odd_tags),
		cmocka_unit_test(test_machine_of_version_2_and_3_is_the_same),
		cmocka_unit_test(test_infos_of_version_3_reach_the_machine),
		cmocka_unit_test(test_a_file_that_is_no_topology_is_refused_with_a_sentence),
		cmocka_unit_test(test_a_topology_cut_anywhere_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
