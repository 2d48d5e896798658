"""Writes test/golden/calculate.json: expressions and equations with what they come to (test/golden/calculate.test.ts).

The values are Python's: fractions.Fraction while a result is one, mpmath to 80 digits from there, and SymPy for equations.
Expressions are drawn as trees and written in the signs that people type; the value is computed from the tree, not from the
text, so that precedence is checked too. null: there is no real value.
Run: pip install sympy && python scripts/golden/make_calculate.py && npx biome check --write test/golden/calculate.json
Made with SymPy 1.14.0 and mpmath 1.3.0.
"""

import json
import random
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import comb, factorial, floor, gcd
from pathlib import Path

import mpmath
import sympy

mpmath.mp.dps = 80
draw = random.Random(16)


class NoValue(Exception):
    pass


def real(x):
    return mpmath.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def both(a, b, exactly, really):
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return exactly(a, b)
    return really(real(a), real(b))


def divide(a, b):
    if b == 0 or abs(real(b)) < mpmath.mpf(10) ** -60:
        raise NoValue
    return both(a, b, lambda x, y: x / y, lambda x, y: x / y)


def power(a, b):
    if isinstance(a, Fraction) and isinstance(b, Fraction) and b.denominator == 1:
        if a == 0 and b < 0:
            raise NoValue
        if abs(b) > 40:
            raise OverflowError
        return a ** int(b)
    if real(a) < 0:
        raise NoValue
    return 0 if a == 0 else real(a) ** real(b)


FUNCTIONS = {
    "sqrt": mpmath.sqrt,
    "ln": mpmath.log,
    "log": mpmath.log10,
    "log2": lambda x: mpmath.log(x, 2),
    "exp": mpmath.exp,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "atan": mpmath.atan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "sinh": mpmath.sinh,
    "tanh": mpmath.tanh,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}


def tree(depth):
    """(text, value, precedence): 0 sum, 1 product, 2 sign, 3 power, 4 operand."""
    kind = draw.random()
    if depth == 0 or kind < 0.15:
        return operand()
    if kind < 0.4:
        (a, x, p), (b, y, q) = tree(depth - 1), tree(depth - 1)
        sign = draw.choice("+-")
        value = both(x, y, lambda m, n: m + n if sign == "+" else m - n, lambda m, n: m + n if sign == "+" else m - n)
        return a + shown(sign) + bracket(b, q, 1), value, 0
    if kind < 0.65:
        (a, x, p), (b, y, q) = tree(depth - 1), tree(depth - 1)
        sign = draw.choice("*/")
        value = both(x, y, lambda m, n: m * n, lambda m, n: m * n) if sign == "*" else divide(x, y)
        return bracket(a, p, 1) + shown(sign) + bracket(b, q, 2), value, 1
    if kind < 0.75:
        (a, x, p) = tree(depth - 1)
        exponent = Fraction(draw.randint(-3, 6), draw.choice([1, 1, 1, 2]))
        text = str(exponent) if exponent.denominator == 1 else f"({exponent})"
        return bracket(a, p, 4) + draw.choice(["^", "**"]) + text, power(x, exponent), 3
    if kind < 0.8:
        (a, x, p) = tree(depth - 1)
        return "-" + bracket(a, p, 3), -x, 2
    if kind < 0.86:
        n = draw.randint(0, 20)
        return f"{n}!", Fraction(factorial(n)), 4
    if kind < 0.92:
        return several()
    name = draw.choice(list(FUNCTIONS))
    (a, x, p) = tree(depth - 1)
    if abs(real(x)) > 200:
        raise OverflowError
    value = FUNCTIONS[name](real(x)) if not (name in ("ln", "log", "log2") and x <= 0) else None
    if value is None or isinstance(value, mpmath.mpc):
        raise NoValue
    return f"{name}({a})", value, 4


def several():
    numbers = [draw.randint(-50, 200) for _ in range(draw.randint(2, 4))]
    name = draw.choice(["max", "min", "gcd", "ncr", "mod", "round", "floor", "mean"])
    if name == "ncr":
        n = draw.randint(0, 60)
        k = draw.randint(0, n)
        return f"nCr({n}, {k})", Fraction(comb(n, k)), 4
    if name == "mod":
        a, b = numbers[0], draw.choice([-7, 3, 5, 12])
        return f"mod({a},{b})", Fraction(a % b), 4
    if name in ("round", "floor"):
        value = Fraction(numbers[0] * 25 + 5, 8)
        text = f"{numbers[0] * 25 + 5}/8"
        rounded = int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)
        return f"{name}({text})", Fraction(rounded if name == "round" else floor(value)), 4
    result = {"max": max, "min": min, "gcd": lambda n: gcd(*n), "mean": lambda n: Fraction(sum(n), len(n))}[name]
    return f"{name}({', '.join(map(str, numbers))})", Fraction(result(numbers)), 4


def operand():
    kind = draw.random()
    if kind < 0.08:
        return draw.choice(["pi", "π"]), mpmath.pi + 0, 4
    if kind < 0.12:
        return "e", mpmath.e + 0, 4
    if kind < 0.4:
        text = f"{draw.randint(0, 999)}.{draw.randint(0, 999):03d}"[: draw.randint(5, 7)].rstrip(".")
        return text, Fraction(text), 4
    if kind < 0.45:
        n = draw.randint(1, 99)
        return f"{n}%", Fraction(n, 100), 4
    if kind < 0.5:
        n = draw.randint(1000, 9_999_999)
        return f"{n:,}", Fraction(n), 4
    n = draw.choice([draw.randint(0, 12), draw.randint(0, 1000), draw.randint(0, 10**12)])
    return str(n), Fraction(n), 4


def bracket(text, precedence, least):
    return text if precedence >= least and not text.endswith("%") else f"({text})"


def shown(sign):
    typed = {"+": ["+", " + ", "＋"], "-": ["-", " - ", "−"], "*": ["*", "×", " * "], "/": ["/", "÷"]}
    return draw.choice(typed[sign])


def digits(value, places=16):
    """Scientific, of at most so many significant digits; all digits of a whole number of at most 200."""
    if isinstance(value, Fraction) and value.denominator == 1 and len(str(value)) <= 200:
        return str(value.numerator)
    context = Context(prec=120)
    if isinstance(value, Fraction):
        many = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    else:
        many = Decimal(mpmath.nstr(value, 70))
    rounded = Context(prec=places, rounding=ROUND_HALF_UP).plus(many)
    return f"{rounded.normalize(context):e}"


def expressions(count):
    rows = []
    while len(rows) < count:
        try:
            state = draw.getstate()
            text, value, _ = tree(draw.randint(1, 4))
        except OverflowError:
            continue
        except NoValue:
            continue
        if isinstance(value, mpmath.mpc) or (value != 0 and not -9000 < mpmath.log10(abs(real(value))) < 9000):
            continue
        if not isinstance(value, (int, Fraction)) and abs(value) < mpmath.mpf(10) ** -60:
            continue
        rows.append([text, digits(Fraction(value) if isinstance(value, int) else value)])
    return rows


def coefficient():
    n = draw.choice([draw.randint(-9, 9), draw.randint(-99, 99)])
    return Fraction(n, 10) if draw.random() < 0.2 else Fraction(n)


def term(c, name):
    return f"{'+' if c >= 0 else '-'}{'' if abs(c) == 1 and name else float(abs(c)) if c.denominator > 1 else abs(c)}{name}"


def linear(count):
    rows = []
    while len(rows) < count:
        names = draw.choice(["xy", "xyz", "abcd", "鸡兔"])
        n = len(names)
        matrix = [[coefficient() for _ in range(n + 1)] for _ in range(n)]
        if draw.random() < 0.25:
            factor = Fraction(draw.randint(2, 4))
            matrix[-1] = [each * factor for each in matrix[0]]
            if draw.random() < 0.5:
                matrix[-1][-1] += 1
        if any(all(c == 0 for c in row[:-1]) for row in matrix):
            continue
        equations = ["".join(term(c, name) for c, name in zip(row, names) if c).lstrip("+") + f"={term(row[-1], '')}" for row in matrix]
        used = [i for i in range(n) if any(row[i] for row in matrix)]
        symbols = [sympy.Symbol(names[i]) for i in used]
        rational = lambda x: sympy.Rational(x.numerator, x.denominator)
        system = sympy.Matrix([[rational(row[i]) for i in used] + [rational(row[-1])] for row in matrix])
        found = sympy.linsolve(system, *symbols)
        if found == sympy.S.EmptySet:
            values = "none"
        else:
            (solution,) = found
            values = "many" if any(s.free_symbols for s in solution) else {str(k): str(v) for k, v in zip(symbols, solution)}
        rows.append([draw.choice(["; ", ";", "\n", ", "]).join(equations).replace("=+", "="), values])
    return rows


def polynomials(count):
    x = sympy.Symbol("x")
    rows = []
    while len(rows) < count:
        if draw.random() < 0.5:
            roots = [sympy.Rational(draw.randint(-9, 9), draw.choice([1, 1, 2, 3])) for _ in range(draw.randint(1, 4))]
            expression = sympy.prod([x - root for root in roots]) * draw.choice([1, x**2 + 1, x**2 - 2])
        else:
            expression = sum(draw.randint(-20, 20) * x**k for k in range(draw.randint(2, 7)))
        poly = sympy.Poly(expression, x)
        if poly.degree() < 1:
            continue
        found = []
        for factor, multiplicity in poly.factor_list()[1]:
            for root in factor.nroots(n=40, maxsteps=500):
                re, im = sympy.re(root), sympy.im(root)
                parts = [f"{Decimal(str(part)):.14e}" if part != 0 else "0" for part in (re, im)]
                if factor.degree() == 1:
                    a, b = factor.all_coeffs()
                    parts[0] = str(-b / a)
                found.append([*parts, multiplicity])
        text = str(poly.as_expr()).replace("**", draw.choice(["^", "**"]))
        rows.append([text + draw.choice(["=0", " = 0", ""]), found])
    return rows


def main():
    golden = {"expressions": expressions(400), "linear": linear(60), "polynomials": polynomials(60)}
    target = Path(__file__).parents[2] / "test/golden/calculate.json"
    target.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(target, target.stat().st_size, "bytes")


main()
