#!/usr/bin/env bash
# `__builtin_cpu_supports`, compiled by `zig cc`, says that the processor has none of the instruction sets it has.
#
# Versions: ziglang 0.17.1 (PyPI), x86-64 Linux.
# Expected: as with gcc and clang: 1 for what the processor and the system support. SSE2 is part of every x86-64.
# Happens:  the program compiles, links and runs without a word, and every answer is 0, SSE2's too, also after
#           `__builtin_cpu_init()`; `cpuid`, asked in the same program, says otherwise. (Older versions did not link such a
#           program: zig's run-time library lacked the two symbols. Now it has them, and nothing fills them in.)
# Affected: libraries that choose a kernel by the instruction sets that are there. Cross-compiled by zig they run their
#           slowest one everywhere, or refuse to run. Ask `cpuid` (and `xgetbv`) yourself.
#
# Usage: findings/zig-cpu-supports.sh      (Python 3 with venv; about 90 MB to download; a minute)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the package could not be installed or this is no x86-64 Linux.
set -euo pipefail
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "This is no x86-64 Linux." >&2; exit 3; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "Installing ziglang into a temporary folder"
{
  python3 -m venv "$scratch/venv" &&
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check ziglang==0.17.1
} || { echo "The package could not be installed." >&2; exit 3; }

cat > "$scratch/show.c" <<'C'
#include <cpuid.h>
#include <stdio.h>

int main(void) {
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  int by_cpuid = (d >> 26) & 1;
  __builtin_cpu_init();
  int by_builtin = __builtin_cpu_supports("sse2") != 0;
  printf("%d %d\n", by_cpuid, by_builtin);
  return 0;
}
C
export ZIG_GLOBAL_CACHE_DIR="$scratch/cache" ZIG_LOCAL_CACHE_DIR="$scratch/cache"
same=1
for target in x86_64-linux-musl x86_64-linux-gnu.2.28; do
  "$scratch/venv/bin/python" -m ziglang cc -target "$target" "$scratch/show.c" -o "$scratch/show"
  answer=$("$scratch/show")
  echo "$target: SSE2 by cpuid ${answer% *}, by __builtin_cpu_supports ${answer#* }"
  [ "$answer" = '1 0' ] || same=0
done
if [ "$same" = 1 ]; then
  echo "As stated: the answer is no to everything."
  exit 0
fi
echo "NO LONGER AS STATED."
exit 1
