"""Tensors in float64 that go to a device, or come from one: MPS, Apple's GPU, has no float64."""

import ast

DOUBLE = {"torch.float64", "torch.double"}
CPU = {"'cpu'", "torch.device('cpu')"}
DTYPES = ("torch.float", "torch.bfloat", "torch.int", "torch.long", "torch.bool", "torch.double")


def sent_to_a_device(tree: ast.Module) -> set[ast.Call]:
    """The calls of a program that make a float64 tensor on a device, as far as the tree shows."""
    found = set()
    for scope in (n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.FunctionDef)):
        assigned = assignments(scope)
        calls = [node for node in ast.walk(scope) if isinstance(node, ast.Call)]
        found |= {call for call in calls if is_wide_on_device(call, assigned)}
    return found


def assignments(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What each plain name is given inside a function or a module."""
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    given.setdefault(target.id, []).append(node.value)
    return given


def is_wide_on_device(call: ast.Call, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether a call has a float64 tensor on a device as its result."""
    if ast.unparse(call.func) == "torch.set_default_dtype":
        return bool(texts(call) & DOUBLE)
    widens, moves = makes_double(call), moves_to_device(call)
    if widens and moves:
        return True
    if not isinstance(call.func, ast.Attribute):
        return False
    before = call.func.value
    return (moves and is_wide(before, assigned)) or (widens and is_on_device(before, assigned))


def texts(call: ast.Call) -> set[str]:
    """The arguments of a call as code."""
    return {ast.unparse(argument) for argument in [*call.args, *(k.value for k in call.keywords)]}


def method(call: ast.AST) -> str:
    """The name of the method that is called."""
    return getattr(getattr(call, "func", None), "attr", "")


def makes_double(call: ast.Call) -> bool:
    """Whether a call gives a float64 tensor, whatever it was before."""
    return method(call) == "double" or bool(texts(call) & DOUBLE)


def moves_to_device(call: ast.Call) -> bool:
    """Whether a call puts its result on a device other than the CPU, or may do so."""
    if method(call) in ("cuda", "mps"):
        return True
    devices = {ast.unparse(k.value) for k in call.keywords if k.arg == "device"}
    if method(call) == "to":
        devices |= {ast.unparse(argument) for argument in call.args}
    return any(not d.startswith(DTYPES) and "dtype" not in d for d in devices - CPU)


def comes_back(call: ast.Call) -> bool:
    """Whether a call puts its result on the CPU."""
    return method(call) in ("cpu", "numpy", "item", "tolist") or bool(texts(call) & CPU)


def chain(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> list[ast.Call]:
    """The calls that made an expression, the last one first; a name given once counts as that."""
    calls, once = [], {name: given[0] for name, given in assigned.items() if len(given) == 1}
    while node is not None:
        if isinstance(node, ast.Call):
            calls.append(node)
            node = node.func.value if isinstance(node.func, ast.Attribute) else None
        elif isinstance(node, ast.Name):
            node = once.pop(node.id, None)
        else:
            node = node.value if isinstance(node, ast.Subscript) else None
    return calls


def is_wide(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether an expression was made a float64 tensor, and nothing narrower since."""
    for call in chain(node, assigned):
        if makes_double(call):
            return True
        if method(call) in ("float", "half", "bfloat16", "long", "int", "bool"):
            return False
    return False


def is_on_device(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether an expression was moved to a device, and has not come back since."""
    for call in chain(node, assigned):
        if comes_back(call):
            return False
        if moves_to_device(call):
            return True
    return False
