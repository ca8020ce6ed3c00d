#!/usr/bin/env bash
# Measures which lines and branches of the package, and which lines of the Rust core, the tests reach; fails below what
# pyproject.toml and this say: tests/coverage.sh FOLDER. It runs `cargo test` and all of the Python tests, once, on an
# extension that counts; the one in place, and the tests of everybody else, stay as they are.
set -euo pipefail

folder=$(realpath "$1")
tools=$folder/llvm/usr/lib/llvm-19
bin=$VIRTUAL_ENV/bin
export PATH="$folder/tools/bin:$PATH" CARGO_TARGET_DIR=$folder/rust COVERAGE_FILE=$folder/python/data CLIENTCERT_BACKEND=rust

if [ -d "$tools" ]; then
    export LLVM_COV=$folder/llvm-cov LLVM_PROFDATA=$folder/llvm-profdata
    for program in llvm-cov llvm-profdata; do
        # Only these two are to find the libraries beside them.
        cat >"$folder/$program" <<END
#!/bin/sh
LD_LIBRARY_PATH=$tools/lib:$folder/llvm/usr/lib/$(uname -m)-linux-gnu exec $tools/bin/$program "\$@"
END
        chmod +x "$folder/$program"
    done
fi

rm -rf "$folder"/{package,wheel,python}
mkdir -p "$folder"/{rust,python}
eval "$(cargo llvm-cov show-env --sh)"
cargo llvm-cov clean --workspace

cargo test --locked --quiet
"$bin/maturin" build --locked --quiet --out "$folder/wheel"
"$bin/python" -m pip install --quiet --no-deps --target "$folder/package" "$folder"/wheel/*.whl
PYTHONPATH=$folder/package "$bin/coverage" run -m pytest "${@:2}"

"$bin/coverage" combine --quiet
"$bin/coverage" report
cargo llvm-cov report --show-missing-lines --fail-under-lines 98
