#!/usr/bin/env bash
# Builds the fuzz targets and runs them, as many at once as there are cores.
#
#   fuzz/run.sh SECONDS [-FLAG=VALUE...] [TARGET...]      all targets, or those named; libFuzzer's flags
#
# What is found on the way stays in target/fuzz/TARGET, out of the tree. The corpus takes over what is new in it with
# target/HOST/release/TARGET -merge=1 fuzz/corpus/TARGET target/fuzz/TARGET/corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

die() {
    printf 'fuzz/run.sh: %s\n' "$1" >&2
    exit 1
}

# To libFuzzer anything else means for ever.
[[ ${1-} =~ ^[1-9][0-9]*$ ]] || die 'say for how many seconds each target runs, a whole number from 1 on.'
seconds=$1
flags=(-timeout=10 -rss_limit_mb=1024 -print_final_stats=1)
targets=()
for word in "${@:2}"; do
    if [[ $word == -* ]]; then flags+=("$word"); else targets+=("$word"); fi
done
if [[ ${#targets[@]} == 0 ]]; then
    targets=(src/bin/*.rs)
    targets=("${targets[@]##*/}")
    targets=("${targets[@]%.rs}")
fi
for target in "${targets[@]}"; do
    [[ -e src/bin/$target.rs ]] || die "there is no target $target; fuzz/README.md lists them."
done

built=$(./cargo.sh build --message-format json-render-diagnostics)
built=$(sed -n 's|.*"executable":"\([^"]*\)/[^"/]*".*|\1|p' <<<"$built" | sort --unique)
found=${built%/*/release}/fuzz

round() {
    local target=$1 own=$found/$1 rc=0
    local dict=()
    [[ ! -e dict/$target ]] || dict=("-dict=dict/$target")
    rm -rf "$own"
    mkdir -p "$own/corpus"
    "$built/$target" -max_total_time="$seconds" -artifact_prefix="$own/" "${dict[@]}" "${flags[@]}" \
        "$own/corpus" "corpus/$target" >"$own/log" 2>&1 || rc=$?
    if [[ $rc != 0 ]]; then
        tail -n 60 "$own/log"
        local input
        for input in "$own"/*-*; do
            [[ ! -e $input ]] || printf '\n%s fails on these bytes:\n%s\nAgain: %s\n' "$target" \
                "$(od -A d -t x1z "$input")" "$built/$target $input"
        done
        return 1
    fi
    # Without coverage to guide it a round proves little.
    grep -q 'inline 8-bit counters' "$own/log" || { echo "$target was built without coverage."; return 1; }
    printf '%s: %s inputs, all as they should be\n' "$target" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$own/log")"
}

running=0
failed=0
for target in "${targets[@]}"; do
    if ((running == $(nproc))); then
        wait -n || failed=1
        running=$((running - 1))
    fi
    round "$target" &
    running=$((running + 1))
done
for ((; running > 0; running--)); do
    wait -n || failed=1
done
exit $failed
