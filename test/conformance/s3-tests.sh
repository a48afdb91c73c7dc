#!/usr/bin/env bash
# Runs ceph/s3-tests, test_s3.py and test_headers.py, against the server as it is here.
#
#   test/conformance/s3-tests.sh DIR [pytest arguments]
#
# DIR is a checkout of the suite; none of it is kept here. Without pytest arguments the whole of it is run, and compared
# with s3-tests-expected-failures.txt: a failure that is not listed fails, and so does a listed one that passes or is not
# there. With arguments (-k copy) only what was run is compared. The suite's own markers leave out what fails on AWS too,
# and bucket_logging, which is Ceph's own extension. The last line counts.
#
# S3_TESTS_PYTHON   an interpreter that has the suite's requirements and pytest-timeout already; without it
#                   they are installed into a folder that goes at the end
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
if [ $# -lt 1 ] || [ ! -f "$1/s3tests/functional/test_s3.py" ]; then
  echo "usage: ${BASH_SOURCE[0]} DIR [pytest arguments], DIR being a checkout of ceph/s3-tests" >&2
  exit 2
fi
suite="$(cd "$1" && pwd)"
shift

scratch="$(mktemp -d)"
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

python="${S3_TESTS_PYTHON:-}"
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  python="$scratch/venv/bin/python"
  "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    -r "$suite/requirements.txt" pytest-timeout
fi

(cd "$root" && node scripts/install.mjs && node scripts/build.mjs)

# Users: name in the server, section of the suite's configuration. Their keys are made up anew for every run.
lifecycle_day=4
port="$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
conf="$scratch/s3tests.conf"
identities="$scratch/identities.json"
random() { "$python" -c 'import secrets; print(secrets.token_hex(20))'; }
canonical_id() { printf %s "$1" | sha256sum | cut -c1-64; }

cat >"$conf" <<CONF
[DEFAULT]
host = localhost
port = $port
is_secure = False
ssl_verify = False

[fixtures]
bucket prefix = mf-{random}-
iam name prefix = s3-tests-
iam path prefix = /s3-tests/
CONF
separator=
printf '{"environments":[{"name":"default","account":"000000000000","identities":[' >"$identities"
user() { # NAME SECTION [further lines of the section]
  local key secret id
  key="$(random)" secret="$(random)" id="$(canonical_id "$1")"
  printf '%s{"name":"%s","canonicalId":"%s","credentials":[{"accessKeyId":"%s","secretAccessKey":"%s"}]}' \
    "$separator" "$1" "$id" "$key" "$secret" >>"$identities"
  separator=,
  printf '\n[%s]\ndisplay_name = %s\nuser_id = %s\nemail = %s@example.com\naccess_key = %s\nsecret_key = %s\n' \
    "$2" "$1" "$id" "$1" "$key" "$secret" >>"$conf"
  [ $# -lt 3 ] || printf '%s\n' "${@:3}" >>"$conf"
}
user main 's3 main' 'api_name = eu-west-1' "lc_debug_interval = $lifecycle_day" \
  'kms_keyid = arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef' 'kms_keyid2 = arn:aws:kms:us-east-1:000000000000:key/76543210-89ab-cdef-0123-456789abcdef'
user alt 's3 alt'
user tenant 's3 tenant' 'tenant = testx'
user iam 'iam'
user iam-root 'iam root'
user iam-alt-root 'iam alt root'
printf ']}]}\n' >>"$identities"

# The suite is of Ceph: it expects its dialect, and days of lifecycle rules that last seconds.
node "$root/out/bin/mockfactory.js" --data-dir "$scratch/data" --port "$port" --tls-port 0 \
  --s3-port 0 --sqs-port 0 --gcs-port 0 --azure-port 0 --oci-port 0 --identities "$identities" \
  --s3-dialect ceph --lifecycle-day "$lifecycle_day" >"$scratch/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
  if "$python" - "$port" <<'READY' 2>/dev/null; then break; fi
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(f'http://localhost:{sys.argv[1]}/_mockfactory/readyz', timeout=2)
READY
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$scratch/server.log" >&2
    exit 1
  fi
  sleep 0.1
done

# One retry would turn an answer that ought to come at once into one that comes in the end.
export AWS_MAX_ATTEMPTS=1 AWS_RETRY_MODE=standard
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE="$scratch/none" AWS_SHARED_CREDENTIALS_FILE="$scratch/none"
export NO_PROXY=localhost,127.0.0.1 no_proxy=localhost,127.0.0.1
export S3TEST_CONF="$conf" PYTHONDONTWRITEBYTECODE=1
status=0
(cd "$suite" && "$python" -m pytest -p no:cacheprovider --basetemp "$scratch/pytest" --timeout 180 -q --tb=short \
  -m 'not fails_on_aws and not bucket_logging' --junitxml "$scratch/results.xml" "$@" \
  s3tests/functional/test_s3.py s3tests/functional/test_headers.py) || status=$?
# 0: all passed, 1: some failed; anything else is no result.
if [ "$status" -gt 1 ] || [ ! -s "$scratch/results.xml" ]; then
  echo "pytest ended with $status" >&2
  exit 1
fi
if ! kill -0 "$server" 2>/dev/null; then
  tail -50 "$scratch/server.log" >&2
  echo 'the server ended before the suite did' >&2
  exit 1
fi
commit="$(git -C "$suite" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
[ $# -gt 0 ] && whole=some || whole=all
"$python" "$here/compare.py" "$scratch/results.xml" "$here/s3-tests-expected-failures.txt" "$whole" "s3-tests $commit"
