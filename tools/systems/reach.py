"""Which systems get to which place of a program, as far as its syntax tree shows.

A test such as `os.name == "nt"`, `sys.platform == "darwin"` or `hasattr(os, "fork")` is decided for
each system; whatever else a program asks may come out either way.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

WINDOWS, MACOS, LINUX = "Windows", "macOS", "Linux"
SYSTEMS = frozenset({WINDOWS, MACOS, LINUX})
FACTS = {
    "os.name": {WINDOWS: "nt", MACOS: "posix", LINUX: "posix"},
    "sys.platform": {WINDOWS: "win32", MACOS: "darwin", LINUX: "linux"},
    "platform.system()": {WINDOWS: "Windows", MACOS: "Darwin", LINUX: "Linux"},
}

NO_WINDOWS = frozenset({WINDOWS})
ONLY_LINUX = frozenset({WINDOWS, MACOS})
ONLY_WINDOWS = frozenset({MACOS, LINUX})
OS_NAMES = """chown chroot confstr ctermid fchown fork forkpty getegid geteuid getgid getgroups
getloadavg getpgid getpgrp getpriority getsid getuid killpg lchown mkfifo mknod nice openpty
setegid seteuid setgid setpgid setpriority setregid setreuid setsid setuid statvfs sysconf
tcgetpgrp tcsetpgrp uname wait3 wait4 waitid WEXITSTATUS WIFEXITED WIFSIGNALED WNOHANG WTERMSIG
O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC register_at_fork sched_yield pread pwrite"""
LINUX_NAMES = """fdatasync getrandom memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate
sched_getaffinity sched_setaffinity O_TMPFILE"""
SIGNALS = """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGTSTP SIGUSR1
SIGUSR2 SIGVTALRM alarm setitimer getitimer pause pthread_kill pthread_sigmask siginterrupt sigwait
sigpending"""
# What a system's Python does not have, by its full name.
MISSING = {f"os.{name}": NO_WINDOWS for name in OS_NAMES.split()}
MISSING |= {f"os.{name}": ONLY_LINUX for name in LINUX_NAMES.split()}
MISSING |= {f"signal.{name}": NO_WINDOWS for name in SIGNALS.split()}
MISSING |= {"time.tzset": NO_WINDOWS, "time.clock_gettime": NO_WINDOWS, "select.poll": NO_WINDOWS}
MISSING |= {"socket.AF_UNIX": NO_WINDOWS, "select.epoll": ONLY_LINUX, "shutil.chown": NO_WINDOWS}
MISSING |= {"os.startfile": ONLY_WINDOWS, "signal.CTRL_C_EVENT": ONLY_WINDOWS}
MISSING |= {"signal.CTRL_BREAK_EVENT": ONLY_WINDOWS, "subprocess.STARTUPINFO": ONLY_WINDOWS}
MISSING |= {"subprocess.CREATE_NEW_PROCESS_GROUP": ONLY_WINDOWS}
MODULE_NAMES = "crypt curses fcntl grp posix pty pwd readline resource spwd syslog termios tty"
MODULES = dict.fromkeys(MODULE_NAMES.split(), NO_WINDOWS)
MODULES |= dict.fromkeys(("msvcrt", "winreg", "winsound"), ONLY_WINDOWS)

ENDINGS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
Names = dict[str, ast.expr]


@dataclass(frozen=True)
class Place:
    """Where a node stands: the systems that get there, what is caught around it, its function."""

    systems: frozenset[str] = SYSTEMS
    caught: frozenset[str] = frozenset()
    function: str = ""

    def where(self, test: ast.expr, value: bool, names: Names) -> "Place":
        """The same place, for the systems on which a test may have this value."""
        left = {s for s in self.systems if decided(test, s, names) in (value, None)}
        return replace(self, systems=frozenset(left))


# ---------------------------------------------------------------- what a test says on a system


def decided(test: ast.expr, system: str, names: Names) -> bool | None:
    """What a test says on a system; None if that depends on something else."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id=name) if name in names:
            return decided(names[name], system, {k: v for k, v in names.items() if k != name})
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = decided(operand, system, names)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            return joined([decided(v, system, names) for v in values], isinstance(op, ast.Or))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return compared(left, op, right, system)
        case ast.Call():
            return called(test, system)
    return None


def joined(values: list[bool | None], either: bool) -> bool | None:
    """`or` (either) or `and` of values of which some are not known."""
    if either in values:
        return either
    return None if None in values else not either


def compared(left: ast.expr, op: ast.cmpop, right: ast.expr, system: str) -> bool | None:
    """What a comparison of one of `FACTS` with a literal says on a system."""
    facts = FACTS.get(ast.unparse(left))
    try:
        literal = ast.literal_eval(right)
    except ValueError:
        return None
    if facts is None:
        return None
    if isinstance(op, ast.Eq | ast.NotEq):
        return (facts[system] == literal) == isinstance(op, ast.Eq)
    if isinstance(op, ast.In | ast.NotIn):
        return (facts[system] in literal) == isinstance(op, ast.In)
    return None


def called(call: ast.Call, system: str) -> bool | None:
    """What `hasattr(os, "fork")` or `sys.platform.startswith("win")` says on a system."""
    match call:
        case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=name)]):
            missing = MISSING.get(f"{ast.unparse(owner)}.{name}")
            return None if missing is None else system not in missing
        case ast.Call(func=ast.Attribute(value=owner, attr="startswith"), args=[ast.Constant(v)]):
            facts = FACTS.get(ast.unparse(owner))
            return None if facts is None else facts[system].startswith(v)
    return None


def constants(tree: ast.Module) -> Names:
    """Names that a module gives once, at its top, to something that could be a test."""
    given = [node for node in tree.body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: node.value
        for node in given
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }


# ---------------------------------------------------------------- the way through a program


def walk(tree: ast.Module) -> Iterator[tuple[ast.AST, Place]]:
    """Every node of a program but its docstrings, with its place."""
    yield from block(tree.body, Place(), constants(tree))


def block(statements: list[ast.stmt], place: Place, names: Names) -> Iterator:
    """Statements one after the other; behind a `return`, only the systems that get there."""
    for statement in statements:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_text:
            yield from visit(statement, place, names)
        place = behind(statement, place, names)


def behind(statement: ast.stmt, place: Place, names: Names) -> Place:
    """The place after a statement."""
    if isinstance(statement, ast.Assert):
        return place.where(statement.test, True, names)
    if not isinstance(statement, ast.If):
        return place
    systems = set()
    for body, value in ((statement.body, True), (statement.orelse, False)):
        if not ends(body):
            systems |= place.where(statement.test, value, names).systems
    return replace(place, systems=frozenset(systems))


def ends(body: list[ast.stmt]) -> bool:
    """Whether nothing behind this block is reached from it."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return ends(last.body) and ends(last.orelse)
    return isinstance(last, ENDINGS) or "sys.exit(" in ast.unparse(last)[:9]


def visit(node: ast.AST, place: Place, names: Names) -> Iterator:
    """A node, and all that stands in it."""
    yield node, place
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield from visit(node.test, place, names)
        yield from either(node.body, place.where(node.test, True, names), names)
        yield from either(node.orelse, place.where(node.test, False, names), names)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from visit(value, place, names)
            place = place.where(value, isinstance(node.op, ast.And), names)
    elif isinstance(node, ast.Try | ast.With):
        yield from guarded(node, place, names)
    elif isinstance(node, COMPREHENSIONS):
        yield from comprehended(node, place, names)
    else:
        yield from parts(node, inside(node, place), names)


def inside(node: ast.AST, place: Place) -> Place:
    """The place inside a node. What a function does is done later: nothing around it catches."""
    if isinstance(node, FUNCTIONS):
        name = getattr(node, "name", place.function)
        return replace(place, caught=frozenset(), function=name)
    return place


def either(part: ast.expr | list[ast.stmt], place: Place, names: Names) -> Iterator:
    """A block or an expression."""
    yield from (block if isinstance(part, list) else visit)(part, place, names)


def parts(node: ast.AST, place: Place, names: Names) -> Iterator:
    """All fields of a node, in their order."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield from block(value, place, names)
        else:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, place, names)


def guarded(node: ast.Try | ast.With, place: Place, names: Names) -> Iterator:
    """A `try` or a `with`: in its body something is caught, in its other parts it is not."""
    caught = caught_by(node)
    yield from block(node.body, replace(place, caught=place.caught | caught), names)
    others = ("items",) if isinstance(node, ast.With) else ("handlers", "orelse", "finalbody")
    for name in others:
        for child in getattr(node, name):
            yield from visit(child, place, names)


def caught_by(node: ast.Try | ast.With) -> frozenset[str]:
    """Names of the exceptions that are caught in a body; "Exception" for a bare `except`."""
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items]
        found = [
            ast.unparse(argument)
            for call in calls
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress")
            for argument in call.args
        ]
        return frozenset(found)
    kinds = [handler.type for handler in node.handlers]
    flat = [k for kind in kinds for k in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return frozenset("Exception" if kind is None else ast.unparse(kind) for kind in flat)


def comprehended(node: ast.AST, place: Place, names: Names) -> Iterator:
    """A comprehension: its `if`s decide who gets to its element."""
    for generator in node.generators:
        yield from visit(generator.iter, place, names)
        for test in generator.ifs:
            yield from visit(test, place, names)
            place = place.where(test, True, names)
    for name in ("key", "value", "elt"):
        if hasattr(node, name):
            yield from visit(getattr(node, name), place, names)
