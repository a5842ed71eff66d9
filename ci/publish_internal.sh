#!/usr/bin/env bash
# Build the wheel and the sdist and upload them to an internal package index; or upload what was built and tested before.
#
#   TWINE_REPO_URL   where to upload (required)
#   TWINE_PASSWORD   password or token (required)
#   TWINE_USERNAME   default: __token__
#   PYTHON           interpreter that has `build` and `twine` (default: the repository's .venv, else python3)
#   DIST             a folder with a wheel, an sdist and their SHA256SUMS (make release): nothing is built, these files go up
#   BUILD_FLAGS      more arguments for `python -m build`, such as --no-isolation where there is no network
#
# Exit codes: 0 published; 2 something is missing; 3 the build failed; 4 twine check failed; 5 the upload failed.
set -euo pipefail

say() { printf 'publish: %s\n' "$*"; }
fail() { local code=$1; shift; printf 'publish: %s\n' "$*" >&2; exit "$code"; }

python=${PYTHON:-}
case $python in
  /* | "") ;;
  */*) python=$PWD/$python ;; # given relative to the caller's folder, which is left in the next line
esac
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

missing=()
[ -n "${TWINE_REPO_URL:-}" ] || missing+=(TWINE_REPO_URL)
[ -n "${TWINE_PASSWORD:-}" ] || missing+=(TWINE_PASSWORD)
if [ "${#missing[@]}" -gt 0 ]; then
  fail 2 "missing: ${missing[*]}. Set TWINE_REPO_URL (the index's upload URL) and TWINE_PASSWORD (a password or token)."
fi
case $TWINE_REPO_URL in
  *@*) fail 2 "TWINE_REPO_URL holds a user or password; put them into TWINE_USERNAME and TWINE_PASSWORD." ;;
  https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
  *) fail 2 "TWINE_REPO_URL must be https (http only on this machine): the password would travel in the clear." ;;
esac

if [ -z "$python" ]; then
  python=python3
  [ ! -x .venv/bin/python ] || python=.venv/bin/python
fi
for tool in build twine; do
  "$python" -c "import $tool" 2>/dev/null || fail 2 "$python has no $tool. Run: make build, or: $python -m pip install build twine"
done

dist=${DIST:-dist}
if [ -n "${DIST:-}" ]; then
  [ -f "$dist/SHA256SUMS" ] || fail 2 "$dist has no SHA256SUMS: build the release by: make release"
  (cd -- "$dist" && sha256sum --check --strict --quiet SHA256SUMS) || fail 4 "$dist is not what was built: nothing was uploaded."
else
  changed=$(git status --porcelain 2>/dev/null || true)
  [ -z "$changed" ] || fail 2 "the tree has changes that are not committed; a release is made of a commit: $changed"
  say "building in $(pwd)"
  rm -rf dist
  # The build runs the build backend's code, which has no business with the password.
  # shellcheck disable=SC2086  # several flags in one variable
  env -u TWINE_PASSWORD "$python" -m build ${BUILD_FLAGS:-} --outdir dist . || fail 3 "the build failed."
fi
shopt -s nullglob
files=("$dist"/*.whl "$dist"/*.tar.gz)
[ "${#files[@]}" -eq 2 ] || fail 4 "$dist must hold one wheel and one sdist, and has: ${files[*]:-none}."
env -u TWINE_PASSWORD "$python" -m twine check --strict "${files[@]}" || fail 4 "twine check refused the files above; nothing was uploaded."

sdist=("$dist"/*.tar.gz)
name=$(basename -- "${sdist[0]}" .tar.gz)
version=${name##*-}
if [ "${GITHUB_REF_TYPE:-}" = tag ] && [ "${GITHUB_REF_NAME:-}" != "v$version" ]; then
  fail 2 "the tag is ${GITHUB_REF_NAME:-unnamed}, but pyproject.toml says $version: tag v$version, or raise the version."
fi

# The password goes through the environment, so that it appears in no process list.
export TWINE_PASSWORD TWINE_USERNAME="${TWINE_USERNAME:-__token__}" TWINE_NON_INTERACTIVE=1
"$python" -m twine upload --disable-progress-bar --repository-url "$TWINE_REPO_URL" "${files[@]}" ||
  fail 5 "the upload failed. A version can be uploaded once only: raise it in pyproject.toml if it is there already."

# pip installs from the index's simple page; most indexes serve it beside the upload URL.
index=${TWINE_REPO_URL%/}
index=${index%/legacy}
index=${index%/simple}/simple/
say "published molam-python-sdk $version. Install it with:"
printf '  pip install --index-url %s molam-python-sdk==%s\n' "$index" "$version"
