#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# git 2.39.5 and GNU patch 2.7.6 (Debian 12).
#
# One diff, one tree, no fuzz, both exit with 0, and each changes another function. Where a hunk's lines stand at several
# places and lines were added above, git apply takes the place nearest to the line that the hunk names; GNU patch first
# adds how far the hunk before it was off. Neither warns of the other place (patch tells the offset, git apply nothing
# unless asked). Backports are like that: the same few lines in every driver callback, and a tree that has drifted. Who
# builds what an author tested with the other tool builds another fix.
#
# Seen, a second hunk meant for stop() of a file that had ten lines inserted at its top:
#   git apply: start
#   patch: stop
set -euo pipefail
git --version | grep -qF 2.39.5 && patch --version | grep -qF 2.7.6 || { echo 'other versions of git or patch'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_CEILING_DIRECTORIES=$dir
callback() { printf 'int %s(void)\n{\n\ttake();\n\tcheck();\n\twork();\n\tgive();\n\treturn 0;\n}\n\n' "$1"; }
mkdir before after with-git with-patch
{ printf '#include <%s.h>\n' a b c d names; echo; seq -f 'int count%g;' 5; echo; callback start; callback stop; } >before/file.c
awk '/names.h/ { print; print "#include <more.h>"; next } /^int / { name = $2 } { print }
  /check/ && name ~ /stop/ { print "\tcheck_more();" }' before/file.c >after/file.c
git diff --no-index --no-prefix before after >the.diff || true
sed -i -E 's,^(---|\+\+\+) (before|after)/,\1 a/,' the.diff

drifted() { { seq -f '/* line %g of a notice */' 9; echo; cat before/file.c; } >"$1/file.c"; }
changed_by() { awk '/^int / { name = $2; sub(/\(.*/, "", name) } /check_more/ { print name }' "$1/file.c"; }
drifted with-git
drifted with-patch
(cd with-git && git apply ../the.diff)
(cd with-patch && patch --silent --fuzz=0 -p1 -i ../the.diff)
seen="git apply: $(changed_by with-git)
patch: $(changed_by with-patch)"
echo "$seen"
test "$seen" = 'git apply: start
patch: stop'
