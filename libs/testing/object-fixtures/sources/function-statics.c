// SPDX-License-Identifier: GPL-2.0-only
/* Statics that macros make for each function: their names are numbered, and they tell lines. */
#include "fixture.h"

struct lock_class_key {
	char bytes[8];
};
struct _ddebug {
	const char *modname, *function, *filename, *format;
	unsigned int lineno : 18, class_id : 6, flags : 8;
	long key[2];
} __attribute__((aligned(8)));
struct pi_entry {
	const char *fmt, *func, *file;
	unsigned int line;
};
extern void init_lock(void *lock, const char *name, struct lock_class_key *key);
extern void __dynamic_pr_debug(struct _ddebug *descriptor, const char *format);

#define JOIN(a, b) a##b
#define EXPAND(a, b) JOIN(a, b)
#define DEBUG_BY(name, format)                                                                          \
	do {                                                                                            \
		static struct _ddebug __section("__dyndbg") name = { "fixture", __func__, __FILE__,     \
								     format, __LINE__ };                \
		if (name.flags)                                                                         \
			__dynamic_pr_debug(&name, format);                                              \
	} while (0)
#define pr_debug(format) DEBUG_BY(EXPAND(__UNIQUE_ID_ddebug, __COUNTER__), format)
#define printk_once(format)                                                                             \
	do {                                                                                            \
		static _Bool __section(".data.once") __already_done;                                    \
		if (!__already_done) {                                                                  \
			__already_done = 1;                                                             \
			printk(format);                                                                 \
		}                                                                                       \
	} while (0)
#define indexed_printk(text)                                                                            \
	do {                                                                                            \
		static const struct pi_entry _entry __used = { text, __func__, __FILE__, __LINE__ };    \
		static const struct pi_entry *_entry_ptr __used __section(".printk_index") = &_entry;   \
		printk(text);                                                                           \
	} while (0)
#define spin_lock_init(lock)                                                                            \
	do {                                                                                            \
		static struct lock_class_key __key;                                                     \
		init_lock(lock, #lock, &__key);                                                         \
	} while (0)

#ifdef PATCHED
/* Another line, and other numbers for all that follows. */
int added(int value)
{
	pr_debug("added");
	printk_once("added once");
	return other(value);
}
#endif

int untouched(int value)
{
	pr_debug("entered");
	printk_once("once");
	indexed_printk("indexed");
	spin_lock_init(&value);
	return other(value);
}

int work(int value)
{
	pr_debug("working");
	printk_once("worked");
#ifdef PATCHED
	pr_debug("working hard");
	value++;
#endif
	indexed_printk("indexed too");
	return other(value);
}
