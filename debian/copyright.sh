#!/usr/bin/env bash
# Prints debian/copyright: what debian/copyright.in says, and who the crates are by, as they say themselves.
#
#   debian/copyright.sh VENDOR >debian/copyright
set -euo pipefail
export LC_ALL=C.UTF-8

cat "$(dirname "${BASH_SOURCE[0]}")/copyright.in"
cd "$1"
shopt -s nullglob nocaseglob
for crate in */; do
    crate=${crate%/}
    licence=$(sed -n 's/^license = "\(.*\)"/\1/p' "$crate/Cargo.toml" |
        sed -E 's/\(([^)]*)\) AND /\1, and /; s/MIT-0/mit-0/; s/\bMIT\b/Expat/; s/mit-0/MIT-0/; s|/| OR |
            s/-or-later/+/; s/ WITH LLVM-exception/ with LLVM exception/; s/ OR / or /g; s/ AND / and /g')
    # Who the text of the licence names, else whom the manifest does.
    notices=("$crate"/{licen[cs]e,copy}*)
    holders=
    [[ ${#notices[@]} == 0 ]] || holders=$(grep --no-filename --recursive --ignore-case --only-matching --extended-regexp \
        '^[^[:alnum:]]*copyright (\(c\)|©|[0-9]{4}).*' "${notices[@]}" | grep --fixed-strings --invert-match '[' |
        sed -E 's/^[^[:alnum:]]*copyright (\(c\) |© )?//I; s/[[:space:]]+$//' | sort --unique) || true
    [[ $holders ]] || holders=$(sed -n '/^authors = \[/,/\]/p' "$crate/Cargo.toml" | tr '\n' ' ' |
        sed 's/\].*/]/' | grep --only-matching '"[^"]*"' | tr --delete '"') || true
    printf '\nFiles: vendor/%s/*\nCopyright: %s\nLicense: %s\n' "$crate" \
        "$(sed '2,$s/^/           /' <<<"${holders:-the authors of $crate}")" "$licence"
done
