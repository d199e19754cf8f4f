// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Of two counts of one function neither name nor number says which of them was there before. */
int work(int value)
{
#ifdef PATCHED
	if (value > 3) {
		static int count;

		other(count++);
	}
#endif
	static int count;

	return other(count++);
}
