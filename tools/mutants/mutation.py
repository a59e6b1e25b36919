"""Small mistakes made in a piece of code: one change at a time, each with the name of its kind."""

import ast
import copy
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from tools.mutants.operators import OPERATORS, like


@dataclass(frozen=True)
class Mutant:
    """Code with one mistake.

    Attributes:
        operator: the kind of the mistake.
        line: where it begins, in the code as `ast.unparse` writes it.
        before: the line that was changed; an ellipsis if more of them were.
        after: what stands there instead.
        source: the whole code.
    """

    operator: str
    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every code that is one mistake away from `source`; a code that two operators make, once."""
    tree = ast.parse(source)
    plain, found = ast.unparse(tree), {}
    for node, replacement, operator in changes(tree):
        # deepcopy puts what its memo holds for an object in that object's place.
        other = copy.deepcopy(tree, {id(node): replacement})
        changed = ast.unparse(ast.fix_missing_locations(other))
        if changed not in (plain, *found):
            found[changed] = Mutant(operator, *difference(plain, changed), changed)
    return list(found.values())


def changes(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Node, what stands in its place, and the operator's name."""
    for operator, kind, function in OPERATORS:
        for node in code_of(tree):
            if isinstance(node, kind):
                for replacement in function(node):
                    yield node, replacement, operator
    yield from other_names(tree)


def code_of(tree: ast.AST) -> list[ast.AST]:
    """All nodes but docstrings and what is inside the text of an f-string."""
    idle = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    idle |= {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
    return [n for n in ast.walk(tree) if not (isinstance(n, ast.Constant) and id(n) in idle)]


def difference(plain: str, changed: str) -> tuple[int, str, str]:
    """Number of the first line that differs, and that line before and after."""
    old, new = plain.splitlines(), changed.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    blocks = [block for block in blocks if block[0] != "equal"]
    _, first, _, new_first, _ = blocks[0]
    _, _, last, _, new_last = blocks[-1]
    parts = old[first:last], new[new_first:new_last]
    return first + 1, *(part[0].strip() + (" …" if len(part) > 1 else "") for part in parts)


def other_names(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Where a variable is read, the next one of the same function or cell."""
    scopes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)] or [tree]
    for scope in scopes:
        read = [n for n in ast.walk(scope) if isinstance(n, ast.Name)]
        known = [n.arg for n in ast.walk(scope) if isinstance(n, ast.arg)]
        known += [n.id for n in read if isinstance(n.ctx, ast.Store)]
        known = list(dict.fromkeys(known))
        for node in read:
            if isinstance(node.ctx, ast.Load) and node.id in known and len(known) > 1:
                other = known[(known.index(node.id) + 1) % len(known)]
                yield node, like(node, id=other), "another name"
