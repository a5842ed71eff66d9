#!/usr/bin/env bash
# The programs that tests drive and the machine lacks, from Debian's packages, where this is Debian and we may.
set -euo pipefail

wanted=()
for pair in prometheus:prometheus chromium:chromium chromedriver:chromium-driver; do
  command -v "${pair%%:*}" >/dev/null || wanted+=("${pair##*:}")
done
if [ "${#wanted[@]}" -eq 0 ] || [ ! -e /etc/debian_version ]; then
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then # a hosted runner may; on a person's machine nothing is installed unasked
  [ -n "${CI:-}" ] && sudo -n true 2>/dev/null || exit 0
  as_root=(sudo -n)
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${wanted[@]}"
