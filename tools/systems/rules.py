"""The rules: what in a program breaks on which system, and the cure.

Each detector gets a node of the syntax tree and returns the systems on which it breaks. A rule
fires where one of these systems gets to the node.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.systems import reach, widths

Systems = frozenset[str]
NOWHERE: Systems = frozenset()
WINDOWS, MACOS, LINUX = reach.NO_WINDOWS, frozenset({reach.MACOS}), frozenset({reach.LINUX})


@dataclass(frozen=True)
class Rule:
    """What breaks, the cure, and which exceptions around a place show that it is prepared."""

    breaks: str
    cure: str
    prepared: Systems = NOWHERE


RULES = {
    "encoding": Rule(
        "without `encoding`, text is read and written in the code page of Windows",
        'Write encoding="utf8"; "locale" for what a program of the system prints.',
    ),
    "module": Rule(
        "this module is not there",
        "Import it where it is used, inside `try … except ImportError`, or ask os.name first.",
        frozenset({"ImportError", "ModuleNotFoundError", "Exception"}),
    ),
    "missing": Rule(
        "this name is not there",
        "Ask first: hasattr(…), or a test of os.name or sys.platform.",
        frozenset({"AttributeError", "Exception"}),
    ),
    "kill": Rule(
        "Windows knows no signals: os.kill ends the process at once, also with signal 0, and "
        "send_signal refuses all but three of them",
        "Use Popen.terminate() or .kill(), or do this only behind a test of os.name.",
    ),
    "fork": Rule(
        "a process cannot be forked there, and takes no preexec_fn and no pass_fds",
        'Use multiprocessing.get_context("spawn"), or ask hasattr(os, "fork") first.',
        frozenset({"ValueError", "Exception"}),
    ),
    "spawn": Rule(
        "a new process imports its function by name and finds none that a notebook defines",
        "Put the function into `helpers`, or work in one process.",
    ),
    "rename": Rule(
        "Windows refuses to rename to a name that is taken, where others replace",
        "Use os.replace; if a taken name shall be refused, allow this place and say so.",
    ),
    "held": Rule(
        "Windows does not replace, remove or open anew a file that is open",
        "Close it first, as `files.replacing` does.",
    ),
    "link": Rule(
        "Windows lets only administrators and developers make links",
        "Copy, or catch OSError.",
        frozenset({"OSError", "NotImplementedError", "Exception"}),
    ),
    "place": Rule(
        "there is no such folder",
        "Use tempfile, Path.home(), os.devnull, or shutil.which; or ask first whether it is there.",
    ),
    "separator": Rule(
        "paths as text have backslashes on Windows, and lists of paths a semicolon",
        "Use .as_posix(), .parts or .name; os.pathsep between paths.",
    ),
    "name": Rule(
        'Windows allows no file name with one of < > : " | ? * \\ or with a point or space at its '
        "end, and none such as CON or NUL",
        "Choose another name.",
    ),
    "newline": Rule(
        "an empty line follows each row, as the line end is translated twice",
        'Open the file with newline="".',
    ),
    "strftime": Rule(
        "the system's C library does not know %- or %#",
        "Format the number itself: f'{when.day}'.",
    ),
    "command": Rule(
        "there is no such program",
        "Use Python's own functions, and sys.executable for Python.",
    ),
    "variable": Rule(
        "this variable of the environment is not set",
        "Use Path.home() or getpass.getuser(), or .get with something else in its place.",
        frozenset({"KeyError", "Exception"}),
    ),
    "float64": Rule(
        "Apple's GPU (MPS) has no float64: TypeError",
        "Move it with .cpu() first, or use float32.",
        frozenset({"TypeError", "RuntimeError", "Exception"}),
    ),
}


def given(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """An argument of a call, by its keyword or its position; None if it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    is_there = position is not None and len(call.args) > position
    return call.args[position] if is_there else None


def text_of(node: ast.AST | None) -> str | None:
    """The text of a literal; None for anything else."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None


def name_of(call: ast.AST) -> str:
    """The last name of what is called."""
    function = getattr(call, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


# ---------------------------------------------------------------- encodings

MODE = re.compile(r"[rwaxbt+]+")
OPENERS = {"open": 1, "fdopen": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0}
OF_BYTES = {"os.open", "tarfile.open", "webbrowser.open", "Image.open", "zipfile.open"}
COMPRESSED = {"gzip.open", "bz2.open", "lzma.open"}


def mode_of(call: ast.Call) -> str | None:
    """The mode of a call that opens a file; None for any other call, or if it cannot be told."""
    function, name = ast.unparse(call.func), name_of(call)
    if name not in OPENERS or function in OF_BYTES:
        return None
    is_method = name == "open" and function not in {"open", "io.open", *COMPRESSED}
    position = 0 if is_method else OPENERS[name]
    mode = given(call, "mode", position)
    binary = function in COMPRESSED or name.endswith("TemporaryFile")
    if mode is None:
        return "rb" if binary else "r"
    text = text_of(mode)
    if text is None or not MODE.fullmatch(text):  # a member of an archive, say
        return None
    return text if "t" in text or not function.startswith(tuple(COMPRESSED)) else f"{text}b"


def without_encoding(node: ast.AST) -> Systems:
    """Text that is read or written in an encoding that depends on the system."""
    if isinstance(node, ast.Dict):
        return WINDOWS if text_options(node) else NOWHERE
    if not isinstance(node, ast.Call) or given(node, "encoding") is not None:
        return NOWHERE
    if any(keyword.arg is None for keyword in node.keywords):
        return NOWHERE  # `**options` may bring it
    name, mode = name_of(node), mode_of(node)
    read = name in ("read_text", "write_text") and len(node.args) <= (name == "write_text") * 1
    reads = isinstance(node.func, ast.Attribute) and read
    flags = [given(node, flag) for flag in ("text", "universal_newlines")]
    pipes = any(isinstance(flag, ast.Constant) and flag.value is True for flag in flags)
    opens = mode is not None and "b" not in mode
    return WINDOWS if reads or pipes or opens or name == "getoutput" else NOWHERE


def text_options(node: ast.Dict) -> bool:
    """Whether a dictionary holds subprocess's `"text": True`, and no encoding."""
    known = {text_of(key): value for key, value in zip(node.keys, node.values, strict=True)}
    flag = known.get("text")
    is_true = isinstance(flag, ast.Constant) and flag.value is True
    return is_true and "encoding" not in known and None not in node.keys


def csv_rows(node: ast.AST) -> Systems:
    """Rows of a CSV that go into a text file opened without `newline`."""
    for _, name, call in opened(node):
        mode = mode_of(call)
        if mode is None or "b" in mode or given(call, "newline") is not None:
            continue
        for inner in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            writes = name_of(inner) in ("writer", "DictWriter", "to_csv") and inner.args
            if writes and ast.unparse(inner.args[0]) == name:
                return WINDOWS
    return NOWHERE


# ---------------------------------------------------------------- what a system does not have

SIGNALS_OF_WINDOWS = {"signal.SIGTERM", "signal.CTRL_C_EVENT", "signal.CTRL_BREAK_EVENT"}
PROGRAMS = """apt apt-get bash brew cat chmod cp df du free grep kill ls lscpu mkdir mv nproc ps
python python3 rm sed sh sudo top touch uname which"""
CHOICES = ("get_context", "set_start_method")
SHELL_CELLS = {"bash", "sh", "script"}


def modules(node: ast.AST) -> Systems:
    """Modules that a system's Python does not have."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    found = [reach.MODULES.get(name.split(".")[0], NOWHERE) for name in names]
    return NOWHERE.union(*found)


def names(node: ast.AST) -> Systems:
    """Names of the standard library that a system does not have."""
    if isinstance(node, ast.ImportFrom):
        found = [reach.MISSING.get(f"{node.module}.{a.name}", NOWHERE) for a in node.names]
        return NOWHERE.union(*found)
    if not isinstance(node, ast.Attribute):
        return NOWHERE
    return reach.MISSING.get(ast.unparse(node), NOWHERE)


def kills(node: ast.AST) -> Systems:
    """Signals to processes."""
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.kill":
        return WINDOWS
    if isinstance(node, ast.ImportFrom) and node.module == "os":
        return WINDOWS if "kill" in {alias.name for alias in node.names} else NOWHERE
    sent = node.args[:1] if isinstance(node, ast.Call) and name_of(node) == "send_signal" else []
    texts = {ast.unparse(argument) for argument in sent}
    is_other = any(text.startswith("signal.") for text in texts - SIGNALS_OF_WINDOWS)
    return WINDOWS if is_other else NOWHERE


def forks(node: ast.AST) -> Systems:
    """What is done in a process between its fork and its start."""
    if not isinstance(node, ast.Call):
        return NOWHERE
    options = ("preexec_fn", "pass_fds")
    return WINDOWS if any(given(node, option) is not None for option in options) else NOWHERE


def ways_of_forking(tree: ast.Module) -> set[ast.AST]:
    """The names "fork" and "forkserver", where a program chooses how processes are started."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    chosen = [c.args[0] for c in calls if name_of(c) in CHOICES and c.args]
    inner = [node for argument in chosen for node in ast.walk(argument)]
    return {node for node in inner if text_of(node) in ("fork", "forkserver")}


def commands(node: ast.AST) -> Systems:
    """Programs that are started by name, also by `!ls` and `%%bash` in a notebook."""
    if not isinstance(node, ast.Call):
        return NOWHERE
    function = ast.unparse(node.func)
    if function in ("os.system", "get_ipython().system", "get_ipython().getoutput"):
        return WINDOWS
    if function == "get_ipython().run_cell_magic":
        return WINDOWS if text_of(node.args[0]) in SHELL_CELLS else NOWHERE
    shell = given(node, "shell")
    if isinstance(shell, ast.Constant) and shell.value is True:
        return WINDOWS
    starts = function.startswith("subprocess.") or name_of(node) in ("bound", "finished", "serve")
    first = node.args[0] if starts and node.args else None
    program = first.elts[0] if isinstance(first, ast.List) and first.elts else first
    return WINDOWS if (text_of(program) or "").partition(" ")[0] in PROGRAMS.split() else NOWHERE


def variables(node: ast.AST) -> Systems:
    """Variables of the environment that are set on some systems only."""
    if not isinstance(node, ast.Subscript) or ast.unparse(node.value) != "os.environ":
        return NOWHERE
    unix = {"HOME", "USER", "SHELL", "LOGNAME", "PWD", "TMPDIR", "LANG", "DISPLAY"}
    windows = {"USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES", "TEMP"}
    name = text_of(node.slice)
    is_read = isinstance(node.ctx, ast.Load)
    here = {True: WINDOWS, False: MACOS | LINUX}[name in unix]
    return here if is_read and name in unix | windows else NOWHERE


# ---------------------------------------------------------------- files and paths

FOLDERS = {  # folders that are not everywhere
    r"/(tmp|var|usr|etc|dev|bin|sbin|opt)": WINDOWS,
    r"/(proc|sys|home|root|mnt|media|run|lib)": WINDOWS | MACOS,
    r"/(Applications|Library|Users|Volumes)": WINDOWS | LINUX,
    r"[A-Za-z]:[\\/]": MACOS | LINUX,
}
BAD = re.compile(r'[<>:"|?*\x00-\x1f]')
RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])(\..*)?", re.IGNORECASE)


def renames(node: ast.AST) -> Systems:
    """`os.rename`, and `.rename` of a path: the only one with a single argument."""
    if isinstance(node, ast.ImportFrom) and node.module == "os":
        return WINDOWS if "rename" in {alias.name for alias in node.names} else NOWHERE
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.rename":
        return WINDOWS
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return NOWHERE
    one = len(node.args) == 1 and not node.keywords and text_of(node.args[0]) is None
    return WINDOWS if one and node.func.attr == "rename" else NOWHERE


def links(node: ast.AST) -> Systems:
    """Symbolic links that are made."""
    if not isinstance(node, ast.Attribute):
        return NOWHERE
    return WINDOWS if node.attr == "symlink_to" or ast.unparse(node) == "os.symlink" else NOWHERE


def places(node: ast.AST) -> Systems:
    """Folders by their full names, as some systems have them."""
    text = text_of(node) or ""
    found = [s for names, s in FOLDERS.items() if re.match(rf"{names}(/|$|(?<=[\\/]))", text)]
    return found[0] if found else NOWHERE


def separators(node: ast.AST) -> Systems:
    """Paths that are taken apart, compared or joined as texts with `/` or `:`.

    A `/` inside a literal path is none of them: Windows reads it.
    """
    is_found = relative_as_text(node) or taken_apart(node) or lists_of_paths(node)
    return WINDOWS if is_found else NOWHERE


def relative_as_text(node: ast.AST) -> bool:
    """`str(path.relative_to(folder))`, which is compared or stored sooner or later."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "str" or not node.args:
        return False
    return name_of(node.args[0]) == "relative_to"


def taken_apart(node: ast.AST) -> bool:
    """`str(path).split("/")` and the like, and `"a/b" in str(path)`."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return "/" in (text_of(node.left) or "") and is_path_text(node.comparators[0])
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    parts = {"split", "rsplit", "partition", "rpartition", "startswith", "endswith", "replace"}
    parts |= {"removeprefix", "removesuffix", "count", "index", "find"}
    at_slash = node.args and "/" in (text_of(node.args[0]) or "")
    return bool(node.func.attr in parts and at_slash and is_path_text(node.func.value))


def is_path_text(node: ast.AST) -> bool:
    """Whether an expression is a path made into a text."""
    function = ast.unparse(getattr(node, "func", node))
    return isinstance(node, ast.Call) and (
        function in ("str", "os.fspath", "os.getcwd", "os.fsdecode")
        or function.startswith("os.path.")
    )


def lists_of_paths(node: ast.AST) -> bool:
    """`PATH` and `PYTHONPATH` with a colon between the folders."""
    code = ast.unparse(node) if isinstance(node, ast.JoinedStr | ast.Call) else ""
    if not re.search(r"environ.*['\"](PYTHON)?PATH['\"]", code):
        return False
    if isinstance(node, ast.JoinedStr):
        texts = [text_of(part) for part in node.values]
        return any(text and (text[0] == ":" or text[-1] == ":") for text in texts)
    return name_of(node) in ("split", "join") and "':'" in code and "pathsep" not in code


def file_names(node: ast.AST) -> Systems:
    """Names behind `/` or in `with_name` that Windows refuses."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        part = node.right
    elif isinstance(node, ast.Call) and name_of(node) in ("with_name", "with_suffix", "with_stem"):
        part = node.args[0] if node.args else None
    else:
        return NOWHERE
    pieces = part.values if isinstance(part, ast.JoinedStr) else [part]
    texts = [text for piece in pieces if (text := text_of(piece))]
    whole = text_of(part) or ""
    refused = any(map(refused_name, whole.split("/"))) or any(map(BAD.search, texts))
    return WINDOWS if refused else NOWHERE


def refused_name(name: str) -> bool:
    """Whether Windows refuses a file of this name. ("" and the two points stand for folders.)"""
    if name in ("", ".", ".."):
        return False
    bad = BAD.search(name) or "\\" in name or name[-1] in ". " or RESERVED.fullmatch(name)
    return bool(bad)


def opened(node: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """(path, name of the file, call) for each file that a `with` opens.

    A context manager that gives a pair, of which the second is used as a file, gives a path and
    the file behind it; then the call is the manager's.
    """
    for item in node.items if isinstance(node, ast.With) else ():
        call, target = item.context_expr, item.optional_vars
        if not isinstance(call, ast.Call) or target is None:
            continue
        if isinstance(target, ast.Tuple):
            names_given = [ast.unparse(name) for name in target.elts]
            if len(names_given) == 2 and is_used_as_file(node, names_given[1]):
                yield names_given[0], names_given[1], call
        elif name_of(call) == "open":
            is_method = isinstance(call.func, ast.Attribute) and not call.args[1:]
            path = call.func.value if is_method else (call.args or [call.func])[0]
            yield ast.unparse(path), ast.unparse(target), call
        elif name_of(call) == "NamedTemporaryFile" and not stays(call):
            yield f"{ast.unparse(target)}.name", ast.unparse(target), call


def stays(call: ast.Call) -> bool:
    """Whether a temporary file may be opened anew while it is open, or after it was closed."""
    options = [given(call, name) for name in ("delete", "delete_on_close")]
    return any(isinstance(o, ast.Constant) and o.value is False for o in options)


def is_used_as_file(node: ast.With, name: str) -> bool:
    """Whether something is written, flushed or closed inside a `with`."""
    methods = {f"{name}.{method}" for method in ("write", "close", "flush", "fileno")}
    return any(ast.unparse(n) in methods for n in ast.walk(node) if isinstance(n, ast.Attribute))


CHANGES = {"replace", "rename", "remove", "unlink", "move", "rmtree"}


def held_files(node: ast.AST) -> Systems:
    """A file that is replaced, removed or opened anew inside the `with` that holds it open."""
    for path, name, call in opened(node):
        closes = [n.lineno for n in ast.walk(node) if is_closing(n, name)]
        for inner in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            before = inner is call or any(line < inner.lineno for line in closes)
            if not before and touches(inner, path):
                return WINDOWS
    return NOWHERE


def is_closing(node: ast.AST, name: str) -> bool:
    """Whether a node closes this file."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.close"


def touches(call: ast.Call, path: str) -> bool:
    """Whether a call replaces, removes, or (a temporary file) opens what has this path."""
    arguments = {ast.unparse(argument) for argument in call.args}
    if path.endswith(".name"):  # any use of the name of a temporary file opens it anew
        return bool(arguments & {path, f"Path({path})"}) and name_of(call) != "Path"
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    return name_of(call) in CHANGES and (path in arguments or owner == path)


def dates(node: ast.AST) -> Systems:
    """Ways of writing a date that not every C library knows."""
    if isinstance(node, ast.Call) and name_of(node) == "strftime":
        text = " ".join(filter(None, map(text_of, node.args)))
    elif isinstance(node, ast.FormattedValue) and node.format_spec:
        text = "".join(filter(None, map(text_of, node.format_spec.values)))
    else:
        return NOWHERE
    if re.search(r"%-[a-zA-Z]", text):
        return WINDOWS
    return MACOS | LINUX if re.search(r"%#[a-zA-Z]", text) else NOWHERE


# ---------------------------------------------------------------- all of them

Detector = Callable[[ast.AST], Systems]
DETECTORS: dict[str, Detector] = {
    "encoding": without_encoding,
    "module": modules,
    "missing": names,
    "kill": kills,
    "fork": forks,
    "rename": renames,
    "held": held_files,
    "link": links,
    "place": places,
    "separator": separators,
    "name": file_names,
    "newline": csv_rows,
    "strftime": dates,
    "command": commands,
    "variable": variables,
}


def spawns(node: ast.AST) -> Systems:
    """New processes that are given something which a notebook defines."""
    if not isinstance(node, ast.Call):
        return NOWHERE
    numbers = [given(node, name) for name in ("num_workers", "num_proc")]
    some = any(n is not None and getattr(n, "value", n) not in (0, None) for n in numbers)
    pools = ("Pool", "Process", "ProcessPoolExecutor")
    return WINDOWS | MACOS if some or name_of(node) in pools else NOWHERE


@dataclass(frozen=True)
class Found:
    """A place that breaks: the rule, the systems, the line, the function around it, its code."""

    rule: str
    systems: Systems
    line: int
    function: str
    code: str


def found(source: str, notebook: bool = False) -> list[Found]:
    """All places of a program that break somewhere.

    Args:
        source: the program.
        notebook: whether it is a cell of a notebook.
    """
    tree = ast.parse(source)
    detectors = DETECTORS | ({"spawn": spawns} if notebook else {})
    wide, forking = widths.sent_to_a_device(tree), ways_of_forking(tree)
    places_found = []
    for node, place in reach.walk(tree):
        fired = {rule: detect(node) for rule, detect in detectors.items()}
        fired["float64"] = MACOS if node in wide else NOWHERE
        fired["fork"] |= WINDOWS if node in forking else NOWHERE
        for rule, systems in fired.items():
            left = systems & place.systems
            if left and not place.caught & RULES[rule].prepared:
                code = ast.unparse(node).partition("\n")[0]
                places_found.append(Found(rule, left, node.lineno, place.function, code))
    return places_found
