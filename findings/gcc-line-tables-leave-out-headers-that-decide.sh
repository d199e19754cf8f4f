#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# gcc 12.2, binutils 2.40 (Debian 12), DWARF 4 and 5.
#
# "Every compile unit's line table names its files" holds for headers that a declaration in use comes from, and for no
# others. A header that decides what is compiled by the preprocessor alone (#define, #ifdef, a macro with a body of its
# own, a static assertion) is in no line table at all, whatever code it made; nor is one whose types or inline functions
# this object does not use. So debug information cannot tell which objects a change of a header reaches: of nine that made
# this object's code it names four. gcc -M names all, and -g3 too (the macros' own records). Vendors' kernels are built with -g, not -g3.
#
# Seen, for one object that includes 13 headers:
#   -g: constant.h declaration.h function.h type.h
#   -gdwarf-4: constant.h declaration.h function.h type.h
#   -g3: assertion.h condition.h constant.h declaration.h forward.h function.h idle-declaration.h idle-function.h idle-type.h macro.h statement.h switch.h type.h
#   -M: assertion.h condition.h constant.h declaration.h forward.h function.h idle-declaration.h idle-function.h idle-type.h macro.h statement.h switch.h type.h
set -euo pipefail
gcc --version | grep -qF ' 12.2' && readelf --version | grep -qF ' 2.40' || { echo 'other versions of gcc or binutils'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Used by their declarations.
echo 'struct pair { int first; };' >type.h
echo 'enum { COUNT = 5 };' >constant.h
echo 'static inline int twice(int x) { return 2 * x; }' >function.h
echo 'extern int counter;' >declaration.h
# Used as well: without them the code would be another.
echo '#define LIMIT 3' >macro.h
echo '#define SQUARE(x) ({ int copy_ = (x); copy_ * copy_; })' >statement.h
printf '#ifdef OPTION\n#define CHOSEN 1\n#else\n#define CHOSEN 2\n#endif\n' >condition.h
echo '#define OPTION' >switch.h
echo '_Static_assert(sizeof(int) == 4, "");' >assertion.h
# Not used.
echo 'struct idle { int first; };' >idle-type.h
echo 'static inline int thrice(int x) { return 3 * x; }' >idle-function.h
echo 'extern int unread;' >idle-declaration.h
echo 'struct incomplete;' >forward.h
{
  echo '#include "switch.h"'
  for header in *.h; do [ "$header" = switch.h ] || echo "#include \"$header\""; done
  echo 'int f(struct pair *p) { return p->first + COUNT + twice(p->first) + counter + LIMIT + SQUARE(p->first) + CHOSEN; }'
} >unit.c

# stdc-predef.h is the compiler's own.
headers() { grep -oE '[a-z-]+\.h' | grep -vxF stdc-predef.h | LC_ALL=C sort -u | paste -sd ' '; }
for debug in -g -gdwarf-4 -g3; do
  gcc -O2 "$debug" -c unit.c
  echo "$debug: $(readelf --debug-dump=rawline unit.o 2>/dev/null | headers)"
done >seen
echo "-M: $(gcc -M unit.c | headers)" >>seen
cat seen
diff seen - <<'SEEN'
-g: constant.h declaration.h function.h type.h
-gdwarf-4: constant.h declaration.h function.h type.h
-g3: assertion.h condition.h constant.h declaration.h forward.h function.h idle-declaration.h idle-function.h idle-type.h macro.h statement.h switch.h type.h
-M: assertion.h condition.h constant.h declaration.h forward.h function.h idle-declaration.h idle-function.h idle-type.h macro.h statement.h switch.h type.h
SEEN
