#!/bin/sh
# Build the extension modules under AddressSanitizer and UndefinedBehaviorSanitizer, with
# the counters that lead a fuzzer, in a tree of its own: build/sanitized. Then fuzz there:
#
#   tests/fuzz/build_sanitized.sh                      # build only
#   tests/fuzz/build_sanitized.sh -max_total_time=300  # and fuzz, so long each: the
#                                        # reader (libFuzzer's options), then nat and diff
#
# PYTHON names the interpreter (.venv/bin/python), CLANG the compiler. As root, what is
# missing is installed.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
clang=${CLANG:-clang}
target=$root/build/sanitized

runtime() { # the libraries that the compiler links sanitized programs with
	ls "$("$clang" -print-resource-dir 2>/dev/null)"/lib/linux/libclang_rt.asan-*.a
}

if ! command -v "$clang" >/dev/null || ! runtime >/dev/null 2>&1; then
	apt-get install -y -qq clang libclang-rt-14-dev >/dev/null
fi
"$python" -c 'import atheris' 2>/dev/null || "$python" -m pip install -q atheris

# A tree of its own: neither the other build's C files nor its modules are of use here.
rm -rf "$target"
mkdir -p "$target"
cp -r "$root/plugin" "$root/setup.py" "$target"
find "$target/plugin" -name '*.so' -delete
cp "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$target"
ln -s "$root/scenarios" "$root/golden" "$target"

sanitize='-fsanitize=address,undefined -fsanitize=fuzzer-no-link'
# Columns are filled by casts that C leaves open and every compiler here allows.
flags="$sanitize -fno-sanitize=function,vptr -fno-omit-frame-pointer -g -w"
(
	cd "$target"
	CC=$clang CFLAGS=$flags LDFLAGS=$sanitize \
		"$python" setup.py -q build_ext --inplace >build.log 2>&1
) || { cat "$target/build.log" >&2; exit 1; }

# Modules are optional in setup.py: one that failed to compile is an error here.
modules=$(find "$target/build/cython" -name '*.c' | wc -l)
built=$(find "$target/plugin" -name '*.so' | wc -l)
echo "sanitized: $built of $modules modules in $target"
[ "$built" -gt 0 ] && [ "$built" -eq "$modules" ] || { cat "$target/build.log" >&2; exit 1; }
[ $# -gt 0 ] || exit 0

# The sanitizer's runtime must be the first library of the process, and comes with
# atheris' libFuzzer. Python's own allocator would hide where objects end.
library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
export PYTEST_NETLAB_FUZZ_PRELOAD="$library/asan_with_fuzzer.so"
export PYTHONPATH="$target/plugin:$root" PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=64
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
"$python" "$root/tests/fuzz/fuzz_reader.py" "$@"
exec "$python" "$root/tests/fuzz/fuzz_pairs.py" "$@"
