#!/bin/sh
# Makes the virtual environment and installs the locked packages, unless that was done already.
# Called by make with PYTHON, VENV and STAMP; runs from the project's folder.
set -eu

say() { printf '%s\n' "$*"; }
fail() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 || fail "$PYTHON was not found; install Python 3.11 or newer, or set PYTHON=/path/to/python3"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
	fail "Python 3.11 or newer is needed, $PYTHON is $("$PYTHON" -V 2>&1); set PYTHON=/path/to/python3.11"

# Two makes at once (a run and a test) must not install into one another: the second waits.
if command -v flock >/dev/null 2>&1 && [ -z "${VENV_LOCKED:-}" ]; then
	mkdir -p .local
	VENV_LOCKED=1 exec flock .local/venv.lock sh "$0"
fi

wanted=$(cksum <requirements.txt)-$("$PYTHON" -c 'import sys; print(sys.version_info[:2])')
if [ -x "$VENV/bin/python" ] && [ "$(cat "$STAMP" 2>/dev/null || true)" = "$wanted" ]; then
	exit 0
fi

if ! "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	say "  .. virtual environment"
	rm -rf "$VENV"
	if ! "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null; then
		fail "this Python has no venv module; on Debian and Ubuntu: apt-get install python3-venv"
	fi
	"$PYTHON" -m venv "$VENV"
fi

say "  .. packages (the first time takes a while)"
if [ ! -x "$VENV/bin/uv" ]; then
	"$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip --upgrade >/dev/null
	"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check uv
fi
# Certificates that the machine trusts count, as they do for pip (both names: it depends on uv's version).
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_NATIVE_TLS="${UV_NATIVE_TLS:-1}"
# Compiled now: the stack starts eight processes, and each would compile everything for itself.
"$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --compile-bytecode -r requirements.txt
printf '%s' "$wanted" >"$STAMP"
say "  ok packages"
