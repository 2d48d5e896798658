#!/usr/bin/env bash
# jinja2 computes (-2) ** n as -(2 ** n): the parentheses around a negative constant are lost when a template is compiled.
#
# Versions: jinja2 3.1.6 (Python); beside it minijinja 3.0.5 (Python) and @huggingface/jinja 0.5.11 (npm).
# Expected: with n = 2, {{ (-2) ** n }} is 4, as in Python and as {{ (-2) ** 2 }} is in jinja2 itself.
# Happens:  it is -4, and so are {{ (1 - 3) ** n }} and, in floats, {{ (-2.0) ** n }}. The compiler folds what is constant to
#           -2 and writes it into the Python code without parentheses, where ** binds tighter than the sign. Where both
#           sides are constant, all is folded and right; where neither is ({{ (0 - x) ** n }}), too.
# Equal:    minijinja and @huggingface/jinja give 4.
#
# Usage: findings/jinja2-power-of-a-negative-constant.sh      (Python 3 with venv, npm; about 5 MB to download)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the packages could not be installed.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
echo "Installing jinja2, minijinja and @huggingface/jinja into a temporary folder"
{
  python3 -m venv venv &&
    venv/bin/python -m pip install --quiet --disable-pip-version-check jinja2==3.1.6 minijinja==3.0.5 &&
    npm init -y >/dev/null &&
    npm install --silent @huggingface/jinja@0.5.11
} || { echo "The packages could not be installed." >&2; exit 3; }

cat > show.py <<'PYTHON'
import subprocess, sys
import jinja2, jinja2.sandbox, minijinja

NODE = """
import { Template } from '@huggingface/jinja';
console.log(new Template(process.argv[1]).render({ n: 2, x: 2 }));
"""


def render(expression):
    source = "{{ " + expression + " }}"
    values = {"n": 2, "x": 2}
    jinja = [
        environment().from_string(source).render(values)
        for environment in (jinja2.Environment, jinja2.sandbox.ImmutableSandboxedEnvironment)
    ]
    mini = minijinja.render_str(source, **values)
    command = ["node", "--input-type=module", "-e", NODE, source]
    huggingface = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return jinja[0] if jinja[0] == jinja[1] else str(jinja), mini, huggingface


expected = {
    "(-2) ** n": ("-4", "4"),
    "(1 - 3) ** n": ("-4", "4"),
    "(-2.0) ** n": ("-4.0", "4.0"),
    "(-2) ** 2": ("4", "4"),
    "(0 - x) ** n": ("4", "4"),
}
good = True
print(f"{'expression, n = x = 2':24} {'Python':>8} {'jinja2':>8} {'minijinja':>10} {'@huggingface/jinja':>20}")
for expression, wanted in expected.items():
    jinja, mini, huggingface = render(expression)
    print(f"{expression:24} {str(eval(expression, {'n': 2, 'x': 2})):>8} {jinja:>8} {mini:>10} {huggingface:>20}")
    good = good and (jinja, mini, huggingface) == (*wanted, wanted[1])
if good:
    print("As stated: a negative constant loses its parentheses in jinja2.")
    sys.exit(0)
print("NO LONGER AS STATED.")
sys.exit(1)
PYTHON
venv/bin/python show.py
