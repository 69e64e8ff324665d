#!/usr/bin/env bash
# Makes a clean Debian of this release with these packages, once, as whoever calls, and prints where it is: a tar archive
# in target/sandbox, which tests/sandbox.sh --root takes.
#
#   tests/root.sh [--cached "NAME ..."] RELEASE PACKAGE...
#
# It has what Debian calls required, apt, and these packages with what they depend on, and comes from where this machine's
# own packages come from. The cached ones, and what they depend on, are not installed: apt-get can do that, without network.
set -euo pipefail
umask 022

die() {
    printf 'root.sh: %s\n' "$1" >&2
    exit 1
}

self=$(realpath "${BASH_SOURCE[0]}")
project=${self%/*/*}
cache=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-$project/target}")/sandbox

cached=
[[ $1 != --cached ]] || { cached=$2 && shift 2; }
release=$1
shift
root=$cache/$release-$(echo "$cached" "$@" | sha256sum | head --bytes 16).tar
if [[ -f $root ]]; then
    echo "$root"
    exit
fi

command -v mmdebstrap >/dev/null || die "mmdebstrap is needed, Debian's package of that name."
mkdir -p "$cache"
part=$(mktemp --directory "$cache/making.XXXXXX")
trap 'rm -rf "$part"' EXIT
mkdir -p "$part/lists/partial" "$part/archives/partial"
# Other people's packages have releases that are called otherwise.
# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "$VERSION_CODENAME")
# Package lists of its own: apt-get names no source of which the machine has none.
own_lists=(--option Dir::State::Lists="$part/lists" --option Dir::Cache="$part" --option APT::Sandbox::User=root)
apt-get "${own_lists[@]}" update >"$part/log" 2>&1 ||
    die "no package lists; apt-get said: $(grep '^[EW]:' "$part/log" | tail -n 1)"
# shellcheck disable=SC2016
sources=$(apt-get "${own_lists[@]}" indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n "s/^\(deb [^ ]*\) $own\(\(-updates\|-security\)\? main\)$/\1 $release\2/p" | sort --unique)
[[ $sources ]] || die "this machine has no package sources of Debian; use Debian."

echo "root.sh: downloading a clean $release into target/sandbox, once" >&2
kept=()
for name in http_proxy https_proxy no_proxy; do # sudo drops these, and a proxy may be the only way out
    [[ ! -v $name ]] || kept+=("$name=${!name}")
done
# shellcheck disable=SC2016
hook='chroot "$1" apt-get clean && chroot "$1" apt-get install --yes --no-install-recommends --download-only'
# On a tmpfs, which no fsync of dpkg's delays and which is gone with the namespace, whatever happens. Without a terminal,
# at which a question would stop it.
# shellcheck disable=SC2016
"$project/tests/as-root.sh" unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    env "${kept[@]}" sh -c 'mount -t tmpfs root "$1" && export TMPDIR=$1 && shift && setsid --wait mmdebstrap "$@"' - "$part" \
    --mode root --variant minbase --format tar --include "$(IFS=, && echo "$*")" --customize-hook "$hook $cached" \
    --skip cleanup/apt,output/dev "$release" - - <<<"$sources" >"$part/root.tar" 2>"$part/log" ||
    die "cannot make it; mmdebstrap said: $(grep '^E:' "$part/log" | head -n 1)"
mv "$part/root.tar" "$root"
echo "$root"
