"""What breaks on Windows or macOS: each rule sees what is planted, and is silent beside it."""

import textwrap

import pytest

from tools import project
from tools.systems import check, reach, repository, rules

WINDOWS, MACOS, LINUX = reach.WINDOWS, reach.MACOS, reach.LINUX


def fired(source: str, notebook: bool = False) -> dict[str, set[str]]:
    """The systems on which a program breaks, by rule."""
    found: dict[str, set[str]] = {}
    for one in rules.found(textwrap.dedent(source), notebook):
        found.setdefault(one.rule, set()).update(one.systems)
    return found


# ---------------------------------------------------------------- the course itself


def test_nothing_in_the_course_breaks_elsewhere_but_what_is_allowed():
    messages = check.left(check.all_faults(project.ROOT), check.allowed())
    assert messages == [], "\n".join(messages)


# ---------------------------------------------------------------- planted

PLANTED = [
    ("encoding", "open(path)"),
    ("encoding", "open(path, 'w', newline='')"),
    ("encoding", "path.open()"),
    ("encoding", "path.open('a')"),
    ("encoding", "path.read_text()"),
    ("encoding", "path.write_text(text)"),
    ("encoding", "gzip.open(path, 'rt')"),
    ("encoding", "tempfile.NamedTemporaryFile('w', delete=False)"),
    ("encoding", "subprocess.run(command, text=True)"),
    ("encoding", "subprocess.run(command, universal_newlines=True)"),
    ("encoding", "options = {'stdout': PIPE, 'text': True}"),
    ("module", "import fcntl"),
    ("module", "from resource import getrusage"),
    ("module", "try:\n    import pwd\nexcept KeyError:\n    pass"),
    ("missing", "os.fork()"),
    ("missing", "x = os.getuid()"),
    ("missing", "signal.signal(signal.SIGALRM, stop)"),
    ("missing", "child.send(signal.SIGKILL)"),
    ("missing", "from os import geteuid"),
    ("missing", "if sys.platform != 'darwin':\n    os.fork()"),
    ("missing", "if os.name == 'posix':\n    pass\nelse:\n    os.getuid()"),
    ("missing", "os.getuid() if os.name == 'nt' else 0"),
    ("missing", "hasattr(os, 'getuid') or os.getuid()"),
    ("missing", "def f():\n    if os.name == 'posix':\n        return\n    os.getuid()"),
    ("missing", "try:\n    os.getuid()\nexcept OSError:\n    pass"),
    ("missing", "try:\n    def f():\n        os.getuid()\nexcept AttributeError:\n    pass"),
    ("kill", "os.kill(number, 9)"),
    ("kill", "from os import kill"),
    ("kill", "child.send_signal(signal.SIGINT)"),
    ("fork", "multiprocessing.get_context('fork')"),
    ("fork", "multiprocessing.set_start_method('forkserver')"),
    ("fork", "subprocess.Popen(command, preexec_fn=os.umask)"),
    ("rename", "os.rename(one, other)"),
    ("rename", "one.rename(other)"),
    ("rename", "from os import rename"),
    ("held", "with open(a, 'w', encoding='utf8') as f:\n    os.replace(a, b)"),
    ("held", "with a.open('w', encoding='utf8') as f:\n    f.write('x')\n    a.replace(b)"),
    ("held", "with path.open('rb') as f:\n    path.unlink()"),
    ("held", "with beside(a) as (new, f):\n    f.write('x')\n    os.replace(new, a)"),
    ("held", "with tempfile.NamedTemporaryFile() as f:\n    load(f.name)"),
    ("held", "with open(a, 'rb') as f:\n    os.replace(a, b)\n    f.close()"),
    ("link", "os.symlink(a, b)"),
    ("link", "a.symlink_to(b)"),
    ("place", "Path('/tmp/x')"),
    ("place", "name = f'/tmp/{x}'"),
    ("place", "open('/dev/null', 'rb')"),
    ("place", "if sys.platform == 'win32':\n    x = '/etc/hosts'"),
    ("separator", "str(path).split('/')"),
    ("separator", "os.path.join(a, b).endswith('/x')"),
    ("separator", "'data/x' in str(path)"),
    ("separator", "names[str(path.relative_to(root))] = 1"),
    ("separator", "os.environ['PATH'].split(':')"),
    ("separator", "x = f\"{folder}:{os.environ['PATH']}\""),
    ("name", "folder / 'a:b.txt'"),
    ("name", "folder / f'{day} 12:00.csv'"),
    ("name", "folder / 'aux.txt'"),
    ("name", "path.with_name('what?')"),
    ("name", "folder / 'sub/ends with a point.'"),
    ("newline", "with open(p, 'w', encoding='utf8') as f:\n    csv.writer(f).writerows(r)"),
    ("newline", "with p.open('a', encoding='utf8') as f:\n    table.to_csv(f)"),
    ("strftime", "when.strftime('%-d %B')"),
    ("strftime", "f'{when:%-d}'"),
    ("command", "subprocess.run(['python3', '-m', 'pip'])"),
    ("command", "subprocess.run('ls', check=True)"),
    ("command", "os.system(line)"),
    ("command", "subprocess.run(line, shell=True)"),
    ("command", "get_ipython().system('ls')"),
    ("command", "get_ipython().run_cell_magic('bash', '', 'ls')"),
    ("variable", "home = os.environ['HOME']"),
]
FLOATS = [
    "torch.zeros(3, dtype=torch.float64, device=device)",
    "torch.zeros(3, dtype=torch.double).to(device)",
    "x = torch.zeros(3).double()\ny = x.to(model.device)",
    "x.to(device, torch.float64)",
    "x.to('mps').double()",
    "x = y.to(device)\nz = x.to(torch.float64)",
    "x.double().cuda()",
    "torch.set_default_dtype(torch.float64)",
]


@pytest.mark.parametrize(("rule", "source"), PLANTED)
def test_what_breaks_on_windows_is_seen(rule, source):
    assert fired(source).get(rule, set()) >= {WINDOWS}, fired(source)


@pytest.mark.parametrize("source", FLOATS)
def test_float64_on_a_device_is_seen(source):
    assert fired(source) == {"float64": {MACOS}}


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, _ in PLANTED} | {"float64", "spawn"} == set(rules.RULES)


@pytest.mark.parametrize(
    ("source", "systems"),
    [
        ("os.sched_getaffinity(0)", {WINDOWS, MACOS}),
        ("open('/proc/cpuinfo', encoding='utf8')", {WINDOWS, MACOS}),
        ("Path('/Applications/Safari.app')", {WINDOWS, LINUX}),
        ("Path('C:/Windows')", {MACOS, LINUX}),
        ("import msvcrt", {MACOS, LINUX}),
        ("os.environ['APPDATA']", {MACOS, LINUX}),
        ("if sys.platform == 'linux':\n    os.startfile(x)", {LINUX}),
        ("if sys.platform.startswith('win'):\n    import fcntl", {WINDOWS}),
        ("if platform.system() in ('Windows', 'Darwin'):\n    os.pipe2(0)", {WINDOWS, MACOS}),
    ],
)
def test_the_systems_are_named(source, systems):
    assert set().union(*fired(source).values()) == systems


# ---------------------------------------------------------------- harmless

HARMLESS = [
    "open(path, 'rb')",
    "open(path, encoding='utf8')",
    "path.open('rb')",
    "path.read_text('utf8')",
    "path.read_text(encoding='utf8')",
    "path.write_text(text, 'utf8')",
    "path.read_bytes()",
    "gzip.open(path)",
    "archive.open(name)",
    "zipfile.ZipFile(path).open('a/b.txt')",
    "os.open(path, os.O_RDONLY)",
    "open(path, mode)",
    "tempfile.NamedTemporaryFile(delete=False)",
    "subprocess.run(command, text=True, encoding='locale')",
    "subprocess.run(command, capture_output=True)",
    "subprocess.run(command, text=True, **options)",
    "tokenizer(batch, text=True and words)",
    "options = {'text': True, 'encoding': 'utf8'}",
    "options = {'text': True, **more}",
    "row = {'text': 'a review', 'label': 1}",
    "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
    "with suppress(ImportError):\n    import resource",
    "if os.name == 'posix':\n    import fcntl\nelse:\n    import msvcrt",
    "if hasattr(os, 'fork'):\n    os.fork()",
    "if not hasattr(os, 'getuid'):\n    raise SystemExit\nos.getuid()",
    "x = os.getuid() if hasattr(os, 'getuid') else 0",
    "hasattr(os, 'getuid') and os.getuid() == 0",
    "os.name != 'posix' or os.getuid()",
    "POSIX = os.name == 'posix'\ndef f():\n    if not POSIX:\n        return\n    os.killpg(1, 9)",
    "POSIX = os.name == 'posix'\nx = signal.SIGKILL if POSIX else signal.SIGTERM",
    "assert sys.platform == 'linux'\nos.fork()",
    "[os.getuid() for _ in x if hasattr(os, 'getuid')]",
    "try:\n    os.getuid()\nexcept AttributeError:\n    pass",
    "try:\n    os.getuid()\nexcept:\n    pass",
    "getattr(signal, 'SIGKILL', None)",
    "child.kill()",
    "child.terminate()",
    "child.send_signal(signal.SIGTERM)",
    "child.send_signal(number)",
    "multiprocessing.get_context('spawn')",
    "HAS = hasattr(os, 'fork')\nmultiprocessing.get_context('forkserver' if HAS else 'spawn')",
    "os.replace(one, other)",
    "one.replace(other)",
    "text.replace('a', 'b')",
    "table.rename(columns=names)",
    "series.rename('share')",
    "with open(a, 'w', encoding='utf8') as f:\n    f.write('x')\nos.replace(a, b)",
    "with open(a, 'w', encoding='utf8') as f:\n    f.close()\n    os.replace(a, b)",
    "with open(a, 'w', encoding='utf8') as f:\n    os.replace(c, b)",
    "with beside(a) as (new, f):\n    f.write('x')\n    f.close()\n    os.replace(new, a)",
    "with runs(a) as (one, other):\n    os.replace(one, b)",
    "with tempfile.NamedTemporaryFile(delete=False) as f:\n    load(f.name)",
    "with tempfile.TemporaryDirectory() as f:\n    load(f)",
    "with suppress(OSError):\n    os.symlink(a, b)",
    "path.is_symlink()",
    "url = '/lab/tree/notebooks'",
    "page = 'https://example.org/tmp/x'",
    "'''In /tmp/x lies a file.'''",
    "def f():\n    '''/proc/cpuinfo is read.'''",
    "temporary = '/tmpfile'",
    "if sys.platform == 'linux':\n    x = Path('/proc/cpuinfo')",
    "Path('data/downloads')",
    "folder / 'data/downloads'",
    "path.relative_to(root).as_posix()",
    "url.split('/')",
    "path.as_posix().split('/')",
    "os.environ['PATH'].split(os.pathsep)",
    "f\"{folder}{os.pathsep}{os.environ['PATH']}\"",
    "f'{a}:{b}'",
    "folder / 'a.b.txt'",
    "folder / '..' / '.venv'",
    "folder / f'step-{number}'",
    "folder / 'contents.txt'",
    "total / count",
    "folder.glob('*.py')",
    "with open(p, 'w', encoding='utf8', newline='') as f:\n    csv.writer(f).writerows(r)",
    "with open(p, encoding='utf8') as f:\n    csv.reader(f)",
    "when.strftime('%d %B')",
    "f'{share:.0%}'",
    "'%-d'",
    "subprocess.run([sys.executable, '-m', 'pip'])",
    "subprocess.run(['git', 'status'])",
    "get_ipython().run_line_magic('pip', 'install x')",
    "shutil.which('python3')",
    "os.environ.get('HOME')",
    "os.environ['HOME'] = folder",
    "os.environ['OMP_NUM_THREADS']",
    "DataLoader(rows, num_workers=2)",
    "torch.zeros(3, dtype=torch.float64)",
    "torch.zeros(3, dtype=torch.float64, device='cpu')",
    "x.cpu().double()",
    "x.detach().cpu().to(torch.float64)",
    "x.to(device)",
    "torch.zeros(3).double().float().to(device)",
    "x = torch.zeros(3, dtype=torch.float64)\ny = x.to(torch.float32)",
    "x = torch.zeros(3, dtype=torch.float64)\ny = {n: x.to(dtype) for n, dtype in kinds}",
    "x = y.to(device).cpu()\nz = x.double()",
    "np.asarray(x, np.float64)",
]


@pytest.mark.parametrize("source", HARMLESS)
def test_what_works_everywhere_is_left_in_peace(source):
    assert fired(source) == {}


def test_only_in_a_notebook_new_processes_find_no_function():
    for source in ("DataLoader(rows, num_workers=2)", "rows.map(f, num_proc=4)", "Pool(2)"):
        assert fired(source, notebook=True) == {"spawn": {WINDOWS, MACOS}}
        assert fired(source) == {}
    assert fired("DataLoader(rows, num_workers=0)", notebook=True) == {}


# ---------------------------------------------------------------- names of files, and pages


@pytest.mark.parametrize(
    ("paths", "rule"),
    [
        (["data/aux.csv"], "file name"),
        (["docs/NUL"], "file name"),
        (["docs/com1.tar.gz"], "file name"),
        (["docs/a:b.md"], "file name"),
        (["docs/what?.md"], "file name"),
        (["docs/ends."], "file name"),
        (["docs /a.md"], "file name"),
        (["docs/a\\b.md"], "file name"),
        (["README.md", "readme.md"], "twins"),
        (["Docs/a.md", "docs/b.md"], "twins"),
        (["docs/caf\u00e9.md", "docs/cafe\u0301.md"], "twins"),
        ([f"docs/{'x' * 196}.md"], "long path"),
    ],
)
def test_a_name_that_some_system_cannot_have_is_seen(paths, rule):
    assert [found for found, _ in repository.file_names(paths)] == [rule]


def test_ordinary_names_are_left_in_peace():
    names = [".gitignore", "docs/auxiliary.md", "docs/com.md", "a/x.md", "b/x.md", "docs/café.md"]
    assert repository.file_names([*names, f"docs/{'x' * 150}.md"]) == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("Run `python3 tasks.py lab`.", ["python3"]),
        ("```bash\npython3 tasks.py lab\n```", ["python3"]),
        ("Run `.venv/bin/python -m x`.", [".venv/bin"]),
        ("A copy of `python3 x`: `happy`.", ["python3"]),
        ("Run `python3 tasks.py lab`, on Windows `py tasks.py lab`.", []),
        ("Run `python3 tasks.py lab`. On Windows write `py`.", []),
        (r"Run `.venv/bin/python x`; on Windows `.venv\Scripts\python`.", []),
        ("Python3 is a language; so says python3 itself.", []),
        ("It begins with `#!/usr/bin/env python3`.", []),
    ],
)
def test_a_command_that_windows_writes_in_another_way_is_seen(page, found):
    assert repository.commands(page) == found


# ---------------------------------------------------------------- messages and what is allowed


def test_a_message_says_where_what_on_which_system_and_the_cure():
    (fault,) = check.faults_of_code([("tools/x.py", "", "def f():\n    open(path)")])
    assert (fault.rule, fault.file, fault.where) == ("encoding", "tools/x.py", "f")
    for words in ("tools/x.py:2: open(path)", "encoding, on Windows", 'encoding="utf8"'):
        assert words in fault.message
    (fault,) = check.faults_of_code([("notebooks/x.ipynb", "0a1b2c3d", "open(path)")])
    assert fault.where == "0a1b2c3d" and "cell 0a1b2c3d" in fault.message


ENTRY = '[[allowed]]\nrule = "rename"\nfile = "tools/x.py"\nwhere = "f"\nreason = "a folder"\n'


def test_what_is_allowed_is_silent_and_an_entry_that_nothing_needs_is_named(tmp_path):
    (tmp_path / "allowed.toml").write_text(ENTRY, encoding="utf8")
    reasons = check.allowed(tmp_path / "allowed.toml")
    for source, name in (("os.rename(a, b)", "f"), ("os.rename(a, b)", "g"), ("pass", "f")):
        faults = list(
            check.faults_of_code([("tools/x.py", "", f"def {name}(a, b):\n    {source}")])
        )
        messages = check.left(faults, reasons)
        assert len(messages) == {"f": source == "pass", "g": 2}[name], messages
    assert messages == ["allowed.toml: nothing needs rename, tools/x.py, f. Remove the entry."]


@pytest.mark.parametrize("spoilt", ["reason", "rule", "file", "twice", "unknown"])
def test_an_entry_without_rule_file_or_reason_is_refused(tmp_path, spoilt):
    text = ENTRY * 2 if spoilt == "twice" else ENTRY.replace("rename", "no such rule")
    if spoilt in ("reason", "rule", "file"):
        text = "".join(line for line in ENTRY.splitlines(True) if not line.startswith(spoilt))
    (tmp_path / "allowed.toml").write_text(text, encoding="utf8")
    with pytest.raises(project.Trouble, match="Correct it"):
        check.allowed(tmp_path / "allowed.toml")


def test_faults_end_the_command_with_a_number_and_none_without(monkeypatch, capsys):
    monkeypatch.setattr(check, "allowed", lambda: {})
    for faults, status in (([], 0), ([check.Fault("kill", "a.py", "f", "a.py:1: os.kill")], 1)):
        monkeypatch.setattr(check, "all_faults", lambda root, faults=faults: faults)
        assert check.main() == status
    assert "a.py:1: os.kill" in capsys.readouterr().out
