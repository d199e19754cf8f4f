// SPDX-License-Identifier: GPL-2.0-only
/* Lists of BTF type ids (BTF_ID_LIST): zeros until vmlinux is linked, when resolve_btfids fills them in. */
#include "fixture.h"

#define JOIN(a, b, c, d) a##b##c##d
#define EXPAND(a, b, c, d) JOIN(a, b, c, d)
#define TEXT(x) #x
#define STRING(x) TEXT(x)
#define BTF_ID(name)                                                                                    \
	asm(".pushsection .BTF_ids,\"a\"\n.local " STRING(name) "\n.type " STRING(name) ", @object\n"    \
	    ".size " STRING(name) ", 4\n" STRING(name) ":\n.zero 4\n.popsection")
#define BTF_STRUCT(name) BTF_ID(EXPAND(__BTF_ID__struct__, name, __, __COUNTER__))
#define BTF_ID_LIST(name)                                                                               \
	asm(".pushsection .BTF_ids,\"a\"\n.local " #name "\n" #name ":\n.popsection");                   \
	extern unsigned int name[]

#ifdef PATCHED
enum { moves_the_counter = __COUNTER__ };
#endif

BTF_ID_LIST(socket_ids);
BTF_STRUCT(sock);
BTF_STRUCT(inet_sock);
BTF_ID_LIST(task_ids);
BTF_STRUCT(task_struct);

int untouched(void)
{
	return other(socket_ids[1]) + other(task_ids[0]);
}

int work(void)
{
#ifdef PATCHED
	return other(socket_ids[1]) + other(task_ids[0]) + 1;
#else
	return other(socket_ids[1]) + other(task_ids[0]);
#endif
}
