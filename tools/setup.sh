#!/bin/sh
# Set up everything hcc-decide needs, in .venv beside this repository's files.
#
#   tools/setup.sh             the program and the developers' tools
#   tools/setup.sh --browser   the same, and Chromium for the browser tests
#
# PYTHON=…    the Python to use, 3.11 to 3.13; without it the newest of these that is ready is taken
# CHROMIUM=…  the Chromium or Chrome to use in the browser tests
#
# Quick when nothing changed. Installs Debian packages only when one is missing and it runs as root.
# Ends with 2 when the user has to install something first.

set -eu

cd "$(dirname "$0")/.."
root=$(pwd -P)
venv=$root/.venv
engine=durable-rules

say() { printf '%s\n' "$*"; }
stop() { printf '%s\n' "$*" >&2; exit 2; }
has() { command -v "$1" >/dev/null 2>&1; }

browser=no
for argument; do
  case $argument in
    --browser) browser=yes ;;
    *) stop "tools/setup.sh knows only the option --browser, not $argument." ;;
  esac
done

debian_like() { [ -e /etc/debian_version ] && has apt-get; }

# --- What the system must have ---------------------------------------------------------------------------------------

# Print a Python's version and own path, as 3.12 /usr/bin/python3.12, or nothing when it does not run.
# Own path: not that of a shim, and not that of an environment, which may be the very one to be replaced.
describe() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))' \
    2>/dev/null || :
}
version_of() { describe "$1" | cut -d ' ' -f 1; }

supported() {
  case $1 in 3.11 | 3.12 | 3.13) return 0 ;; *) return 1 ;; esac
}

# Say which parts needed for the build a Python lacks: any of venv, headers, compiler, libc; one line, empty when ready.
# A Python too bare to look (Debian's python3-minimal) lacks them all.
lacks() {
  "$1" - 2>/dev/null <<'PYTHON' || say "venv headers compiler"
import importlib.util
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile

lacking = []
if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
    lacking.append("venv")
include = sysconfig.get_path("include")
headers = os.path.exists(os.path.join(include, "Python.h"))
if not headers:
    lacking.append("headers")
compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
if not shutil.which(compiler[0]):
    # Without a compiler there is mostly no C library to compile against; the Python headers bring it along.
    lacking.append("compiler")
elif headers:
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "try.c")
        with open(source, "w") as file:
            file.write("#include <Python.h>\n#include <stdlib.h>\nint main(void) { return 0; }\n")
        trial = [*compiler, "-I", include, "-c", source, "-o", os.path.join(folder, "try.o")]
        if subprocess.run(trial, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            lacking.append("libc")
print(*lacking)
PYTHON
}

# Take the first Python in range that lacks nothing, else the first in range. Sets python, version, lacking.
find_python() {
  python='' version='' lacking='' refused=''
  if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
  else
    candidates='python3.13 python3.12 python3.11 python3'
  fi
  for candidate in $candidates; do
    has "$candidate" || continue
    found=$(describe "$candidate")
    if ! supported "${found%% *}"; then
      [ -z "$found" ] || refused="$candidate is ${found%% *}"
      continue
    fi
    missing=$(lacks "${found#* }")
    if [ -z "$python" ] || [ -z "$missing" ]; then
      python=${found#* } version=${found%% *} lacking=$missing
    fi
    [ -n "$missing" ] || return 0
  done
}

no_python() {
  needs="hcc-decide needs Python 3.11, 3.12 or 3.13 (its rule engine, $engine, is not known to work with any other)"
  if [ -n "${PYTHON:-}" ]; then
    stop "$needs, and PYTHON=$PYTHON is not one${refused:+: $refused}."
  fi
  stop "$needs, and none was found${refused:+: $refused}; install one, or name one with PYTHON=/path/to/python3.13."
}

# The Debian packages for what is lacking, one line.
packages_for() {
  real=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
  for part in $lacking; do
    case $part in
      venv) say "python$version-venv" ;;
      headers) say "python$version-dev" ;;
      compiler) say "gcc libc6-dev" ;;
      libc) say "libc6-dev" ;;
    esac
  done | tr '\n' ' '
  case $real,$lacking in
    /usr/bin/*,*) ;;
    *,*venv* | *,*headers*)
      stop "$real was not installed by Debian and comes without its $lacking; install it in full, or name another with PYTHON=…" ;;
  esac
}

chromium_names='chromium chromium-browser google-chrome google-chrome-stable'

# Print the path of the browser to test with; fails when there is none.
find_chromium() {
  if [ -n "${CHROMIUM:-}" ]; then
    has "$CHROMIUM" || stop "CHROMIUM=$CHROMIUM is not a program."
    command -v "$CHROMIUM"
    return
  fi
  for name in $chromium_names; do
    # Ubuntu's chromium-browser may be a note that points to a snap: it has to run to count.
    if has "$name" && "$name" --version >/dev/null 2>&1; then command -v "$name"; return; fi
  done
  for path in '/Applications/Chromium.app/Contents/MacOS/Chromium' \
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
    if [ -x "$path" ]; then say "$path"; return; fi
  done
  [ -x "$venv/bin/python" ] || return 1
  path=$("$venv/bin/python" - 2>/dev/null <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
PYTHON
  ) || return 1
  [ -x "$path" ] && say "$path"
}

has_font() {
  [ "$(uname -s)" = Darwin ] || [ -n "$(find /usr/share/fonts /usr/local/share/fonts "${HOME:-}/.fonts" \
    "${HOME:-}/.local/share/fonts" -name '*.[ot]t[fc]' 2>/dev/null | head -n 1)" ]
}

# Install Debian packages as root, or say the one command that does.
provide() {
  if [ "$(id -u)" = 0 ]; then
    say "Installing Debian packages that are missing: $*"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -qq update || say "apt-get update had trouble; going on with the package lists there are."
    apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@" >/dev/null
  else
    say "Some Debian packages are missing. Install them, then run this again:" >&2
    stop "  sudo apt-get install --no-install-recommends $*"
  fi
}

# Find Python, and provide what is missing; at most two rounds, since a first Python may itself have to come.
provide_system() {
  find_python
  if [ -z "$python" ] && [ -z "${PYTHON:-}" ] && ! has python3 && debian_like; then
    provide python3 python3-venv python3-dev gcc libc6-dev
    find_python
  fi
  [ -n "$python" ] || no_python

  packages=''
  if [ -n "$lacking" ]; then
    if debian_like; then
      packages=$(packages_for) || exit 2
    elif [ "$(uname -s)" = Darwin ]; then
      say "$python ($version) is there, but not what $engine is compiled with ($lacking). Run this, then try again:" >&2
      stop "  xcode-select --install"
    elif has dnf; then
      say "$python ($version) is there, but not what $engine is compiled with ($lacking). Run this, then try again:" >&2
      stop "  sudo dnf install gcc python$version-devel"
    else
      stop "$python ($version) lacks $lacking; install a C compiler and the development files of that Python, then try again."
    fi
  fi
  if [ "$browser" = yes ] && debian_like && ! find_chromium >/dev/null; then
    # Elsewhere (Ubuntu has it as a snap only) Playwright's own build is offered, once Playwright is installed.
    if apt_has_chromium; then packages="$packages chromium"; fi
  fi
  if [ "$browser" = yes ] && debian_like && ! has_font; then packages="$packages fonts-dejavu-core"; fi
  # shellcheck disable=SC2086  # a list of package names
  set -- $packages
  [ $# -eq 0 ] || provide "$@"

  lacking=$(lacks "$python")
  [ -z "$lacking" ] || stop "$python ($version) still lacks: $lacking."
}

apt_has_chromium() {
  # shellcheck disable=SC1091
  [ "$(. /etc/os-release && say "${ID:-}")" = debian ]
}

# --- The environment -------------------------------------------------------------------------------------------------

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

# One rule, run for real: an engine that was built badly mostly fails here and not before.
engine_works() {
  "$venv/bin/python" - <<'PYTHON'
from durable.lang import assert_fact, m, ruleset, when_all

fired = []
with ruleset("setup"):

    @when_all(m.child_pugh_class == "A")
    def rule(c):
        fired.append(c.m.child_pugh_class)


assert_fact("setup", {"child_pugh_class": "A"})
if fired != ["A"]:
    raise SystemExit("the rule did not fire")
PYTHON
}

install_all() {
  provide_system
  say "Making .venv with $python (Python $version)"
  rm -rf "$venv"
  "$python" -m venv "$venv"

  say "Installing the build tools and the packages of requirements.lock, checked by their hashes"
  pip install -q --require-hashes -r requirements-build.lock
  if [ "$version" = 3.13 ]; then
    # Python 3.13 removed PyEval_CallObject, which the engine's C source still calls.
    CPPFLAGS="${CPPFLAGS:+$CPPFLAGS }-DPyEval_CallObject=PyObject_CallObject"
    export CPPFLAGS
  fi
  # The engine is the one package without wheels, and is compiled here with the setuptools just installed.
  install_locked requirements.lock
  if ! engine_works 2>/dev/null; then
    say "The $engine taken from pip's cache does not work; compiling it again"
    awk -v name="$engine" 'index($0, name "==") == 1 { on = 1 } on { print } on && !/\\$/ { exit }' \
      requirements.lock >"$venv/engine.lock"
    install_locked "$venv/engine.lock" --force-reinstall --no-cache-dir
    engine_works || stop "$engine was compiled, but a rule does not run in it (see above)."
  fi
}

install_locked() {
  lock=$1
  shift
  pip install -q --require-hashes --no-deps --no-build-isolation --use-pep517 "$@" -r "$lock"
}

install_project() {
  say "Installing hcc-decide itself, editable"
  pip install -q --no-deps --no-build-isolation -e .
}

# What the environment was made from; a line that is still the same need not be done again.
stamp_locked() {
  say "$root $(cat requirements.lock requirements-build.lock tools/setup.sh | cksum)"
}
stamp_project() { cksum <pyproject.toml; }
same() { [ -r "$venv/$1" ] && [ "$(cat "$venv/$1")" = "$2" ]; }

provide_browser() {
  if same chromium "${CHROMIUM:-$(cat "$venv/chromium" 2>/dev/null)}" && [ -x "$(cat "$venv/chromium")" ] && has_font
  then return 0; fi
  if ! find_chromium >"$venv/chromium.new" && debian_like && apt_has_chromium; then
    browser=yes provide_system
    find_chromium >"$venv/chromium.new" || :
  fi
  if [ ! -s "$venv/chromium.new" ]; then
    say "The browser tests need Chromium. Run this (or name one with CHROMIUM=/path), then try again:" >&2
    stop "  .venv/bin/playwright install --with-deps chromium"
  fi
  mv "$venv/chromium.new" "$venv/chromium"
  say "Browser for the tests: $(cat "$venv/chromium")"
}

# The environment's Python runs, and is the one that was asked for, if one was.
right_python() {
  here=$(version_of "$venv/bin/python")
  [ -n "$here" ] && { [ -z "${PYTHON:-}" ] || [ "$here" = "$(version_of "$PYTHON")" ]; }
}

changed=no
if ! same stamp-locked "$(stamp_locked)" || ! right_python; then
  changed=yes
  install_all
  stamp_locked >"$venv/stamp-locked"
fi
if ! same stamp-project "$(stamp_project)"; then
  changed=yes
  install_project
  stamp_project >"$venv/stamp-project"
fi
[ "$browser" = no ] || provide_browser
if [ $changed = yes ]; then
  say "Ready: .venv/bin/hcc-decide"
else
  say "The environment in .venv is up to date"
fi
