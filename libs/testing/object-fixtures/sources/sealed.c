// SPDX-License-Identifier: GPL-2.0-only
/* What objtool adds on kernels with indirect branch tracking: the list of functions whose address nobody takes. */
#include "fixture.h"

int sealed(int value)
{
	return other(value);
}
asm(".pushsection .ibt_endbr_seal,\"a\"\n.long sealed - .\n.popsection");

int open_to_all(int value)
{
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
}

int other(int value)
{
	return value;
}
