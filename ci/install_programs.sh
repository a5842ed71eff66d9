#!/usr/bin/env bash
# The programs that tests drive and the machine lacks, from Debian's packages, where this is Debian and we may.
set -euo pipefail

wanted=()
for pair in prometheus:prometheus chromium:chromium chromedriver:chromium-driver; do
  command -v "${pair%%:*}" >/dev/null || wanted+=("${pair##*:}")
done
if [ "${#wanted[@]}" -eq 0 ] || [ "$(id -u)" -ne 0 ] || [ ! -e /etc/debian_version ]; then
  exit 0
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${wanted[@]}"
