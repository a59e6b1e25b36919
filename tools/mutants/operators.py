"""The kinds of mistakes that `tools/mutants/mutation.py` makes.

An operator is a function of a node of the syntax tree; it yields the nodes which may stand in its
place.
"""

import ast
import copy
from collections.abc import Callable, Iterator

Operator = Callable[[ast.AST], Iterator[ast.AST]]
OPERATORS: list[tuple[str, type[ast.AST], Operator]] = []

ARITHMETIC = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv, ast.Mult],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
COMPARISONS = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}
WORDS = {
    "all": ["any"],
    "any": ["all"],
    "argmax": ["argmin"],
    "argmin": ["argmax"],
    "ceil": ["floor"],
    "corrcoef": ["cov"],
    "exp": ["exp2"],
    "floor": ["ceil"],
    "log": ["log2", "log10"],
    "max": ["min", "sum"],
    "mean": ["sum", "max"],
    "min": ["max"],
    "permutation": ["permuted"],
    "ppf": ["cdf"],
    "round": ["int"],
    "std": ["var"],
    "sum": ["mean", "max"],
    "tanh": ["sinh", "arctan"],
    "tril": ["triu"],
}
TEXTS = {
    "macro": ["micro", "weighted"],
    "test": ["train", "validation"],
    "train": ["test", "validation"],
    "validation": ["test", "train"],
}


def operator(name: str, kind: type[ast.AST]) -> Callable[[Operator], Operator]:
    """Register an operator for one kind of node."""

    def register(function: Operator) -> Operator:
        OPERATORS.append((name, kind, function))
        return function

    return register


def like(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def plus(node: ast.expr, number: int) -> ast.expr:
    """The expression `node + number`."""
    sign = ast.Add() if number > 0 else ast.Sub()
    return ast.BinOp(node, sign, ast.Constant(abs(number)))


@operator("arithmetic", ast.BinOp)
def arithmetic(node: ast.BinOp) -> Iterator[ast.AST]:
    yield from (like(node, op=other()) for other in ARITHMETIC.get(type(node.op), []))


@operator("swapped operands", ast.BinOp)
def swapped_operands(node: ast.BinOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.MatMult):
        yield like(node, left=node.right, right=node.left)


@operator("operand dropped", ast.BinOp)
def operand_dropped(node: ast.BinOp) -> Iterator[ast.AST]:
    yield from (node.left, node.right)


@operator("comparison", ast.Compare)
def comparison(node: ast.Compare) -> Iterator[ast.AST]:
    if len(node.ops) == 1:
        yield from (like(node, ops=[o()]) for o in COMPARISONS.get(type(node.ops[0]), []))


@operator("boolean", ast.BoolOp)
def boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield like(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
    yield from node.values


@operator("negation dropped", ast.UnaryOp)
def negation_dropped(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


@operator("axis", ast.keyword)
def axis(node: ast.keyword) -> Iterator[ast.AST]:
    if node.arg in ("axis", "dim") and isinstance(node.value, ast.Constant):
        yield like(node, value=ast.Constant(1 - node.value.value))


@operator("keyword dropped", ast.Call)
def keyword_dropped(node: ast.Call) -> Iterator[ast.AST]:
    for keyword in node.keywords:
        yield like(node, keywords=[other for other in node.keywords if other is not keyword])


@operator("constant", ast.Constant)
def constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node.value, str):
        yield from (ast.Constant(word) for word in TEXTS.get(node.value, []))


@operator("function", ast.Attribute)
def function(node: ast.Attribute) -> Iterator[ast.AST]:
    yield from (like(node, attr=word) for word in WORDS.get(node.attr, []))


@operator("function", ast.Name)
def function_name(node: ast.Name) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load):
        yield from (like(node, id=word) for word in WORDS.get(node.id, []))


@operator("transpose dropped", ast.Attribute)
def transpose_dropped(node: ast.Attribute) -> Iterator[ast.AST]:
    if node.attr == "T":
        yield node.value


@operator("call dropped", ast.Call)
def call_dropped(node: ast.Call) -> Iterator[ast.AST]:
    """`f(x)` becomes `x`, and so does `x.f()`."""
    if node.args:
        yield node.args[0]
    elif isinstance(node.func, ast.Attribute):
        yield node.func.value


@operator("swapped arguments", ast.Call)
def swapped_arguments(node: ast.Call) -> Iterator[ast.AST]:
    if len(node.args) >= 2:
        first, second, *rest = node.args
        yield like(node, args=[second, first, *rest])


@operator("swapped order", ast.Tuple)
def swapped_order(node: ast.Tuple) -> Iterator[ast.AST]:
    """Also of two values that are returned or assigned, and of two indices."""
    yield like(node, elts=node.elts[::-1])


@operator("element dropped", ast.List)
def element_dropped(node: ast.List) -> Iterator[ast.AST]:
    for element in node.elts:
        yield like(node, elts=[other for other in node.elts if other is not element])


@operator("slice", ast.Slice)
def bounds(node: ast.Slice) -> Iterator[ast.AST]:
    for side in ("lower", "upper"):
        bound = getattr(node, side)
        if bound is not None:
            yield like(node, **{side: None})
            yield from (like(node, **{side: plus(bound, step)}) for step in (1, -1))


@operator("the other part", ast.Subscript)
def other_part(node: ast.Subscript) -> Iterator[ast.AST]:
    """Held-out rows for training rows, wrong ones for right ones: `X[mask]` becomes `X[~mask]`."""
    if isinstance(node.slice, ast.Name):
        yield like(node, slice=ast.UnaryOp(ast.Invert(), node.slice))


@operator("index", ast.Subscript)
def index(node: ast.Subscript) -> Iterator[ast.AST]:
    if isinstance(node.slice, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (like(node, slice=plus(node.slice, step)) for step in (1, -1))
        yield node.value


@operator("negated condition", ast.If)
def negated(node: ast.If) -> Iterator[ast.AST]:
    yield like(node, test=ast.UnaryOp(ast.Not(), node.test))


@operator("one side of a condition", ast.IfExp)
def one_side(node: ast.IfExp) -> Iterator[ast.AST]:
    yield from (node.body, node.orelse, like(node, body=node.orelse, orelse=node.body))


@operator("update", ast.AugAssign)
def update(node: ast.AugAssign) -> Iterator[ast.AST]:
    yield ast.Assign([node.target], node.value)
    yield like(node, op=ast.Sub())


@operator("statement dropped", ast.stmt)
def statement_dropped(node: ast.stmt) -> Iterator[ast.AST]:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.FunctionDef) and not docstring:
        yield ast.Pass()


@operator("return inside the loop", ast.FunctionDef)
def return_inside(node: ast.FunctionDef) -> Iterator[ast.AST]:
    for place, (loop, last) in enumerate(zip(node.body, node.body[1:], strict=False)):
        if isinstance(loop, ast.For) and isinstance(last, ast.Return):
            inside = like(loop, body=[*loop.body, last])
            yield like(node, body=[*node.body[:place], inside])


@operator("times 100", ast.Assign)
@operator("times 100", ast.Return)
def per_cent(node: ast.Assign | ast.Return) -> Iterator[ast.AST]:
    """A share in per cent: where a quotient is assigned or returned."""
    if isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Div):
        yield like(node, value=ast.BinOp(ast.Constant(100), ast.Mult(), node.value))
