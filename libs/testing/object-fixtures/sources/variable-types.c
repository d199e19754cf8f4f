// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Variables whose types have no name, or another one with the patch. */
#ifdef PATCHED
#define PAIR(type, one, two) type two, one
#else
#define PAIR(type, one, two) type one, two
#endif

static struct { PAIR(int, one, two); } swapped;
static struct { PAIR(short, one, two); } table[4];
extern struct { PAIR(char, one, two); } *elsewhere;
static union { struct { PAIR(int, one, two); }; long both; } overlaid;

#ifdef PATCHED
static int grid[2][8];
union counted { int one, two; };
struct renamed { int one, two; };
struct grown { int one, two, three; };
#else
static int grid[8][2];
struct counted { int one, two; };
struct named { int one, two; };
struct small { int one, two; };
#define renamed named
#define grown small
#endif
extern
#ifdef PATCHED
	union counted counted;
#else
	struct counted counted;
#endif
static struct renamed same;
static struct grown *larger;

/* The width of what is not named on its own. */
struct holder {
	struct {
		unsigned first : 4;
#ifdef PATCHED
		unsigned last : 8;
#else
		unsigned last : 4;
#endif
	} bits;
	int behind;
};
extern struct holder *holder;

int work(int value)
{
	static struct { PAIR(int, one, two); } own;
	static struct { int one, two; } unchanged;

	own.one += value;
	unchanged.two += value;
	own.two = other(own.one) + unchanged.two;
	swapped.one = value;
	table[value].one = value;
	elsewhere->one = value;
	overlaid.one = own.two;
	grid[value & 1][1] = value;
	counted.two = grid[1][value & 1];
	same.one = swapped.two + table[value].two + overlaid.two;
	larger->two = same.one;
	holder->bits.last = value;
	return other(value);
}
