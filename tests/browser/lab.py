"""JupyterLab as `tasks.py lab` starts it, in a copy of its own, and one page of it in Chromium."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tools import environment, lab, notebook_file, project
from tools.teaching import pack

TOKEN = "course"
SIZES = {"laptop": (1366, 768), "projector": (1280, 720)}
QUIET_SECONDS = 1.5
OPEN_SECONDS = START_SECONDS = 180  # guards: both take a few seconds
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def make_copy(folder: Path) -> Path:
    """A copy of the course in which notebooks may be changed; the downloads are shared.

    Returns:
        Root of the copy.
    """
    copy = folder / "course"
    pack.copy_course(project.ROOT, copy)
    (copy / "data" / "downloads").symlink_to((project.ROOT / "data" / "downloads").resolve())
    return copy


@contextmanager
def jupyterlab(copy: Path) -> Iterator[str]:
    """Serve a copy, with settings of its own; gives the address, and ends all it started."""
    port = lab.listen("localhost", 0)
    serve = (
        "import sys; from pathlib import Path; from tools import lab; "
        "lab.trust(Path(sys.executable), Path.cwd()); sys.exit(lab.serve(sys.argv[1:], '.'))"
    )
    command = [sys.executable, "-c", serve]
    command += lab.lab_command(Path(sys.executable), "localhost", port, copy)
    command += ["--no-browser", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"]
    environment = dict(os.environ)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(copy.parent / name.lower())
    for name in ("SETTINGS", "WORKSPACES"):
        environment[f"JUPYTERLAB_{name}_DIR"] = str(copy.parent / name.lower())
    log = (copy.parent / "jupyterlab.log").open("w+", encoding="utf8")
    options = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=copy, env=environment, start_new_session=True, **options)
    address = f"http://localhost:{port}"
    try:
        wait_until_it_answers(f"{address}/api/status?token={TOKEN}", server, log)
        yield address
    finally:
        end(server)
        log.close()


def wait_until_it_answers(address: str, server: subprocess.Popen, log) -> None:
    """Return once the server serves; raise with what it said if it ended or stands still."""
    start = time.monotonic()
    while time.monotonic() - start < START_SECONDS and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read()[-2000:]}")


def end(server: subprocess.Popen) -> None:
    """End what stands for `tasks.py lab`: JupyterLab must end with it, and its kernels.

    Raises:
        RuntimeError: if something was left behind; it is ended, too.
    """
    below = psutil.Process(server.pid).children(recursive=True)
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(2 * lab.GRACE)
    _, left = psutil.wait_procs([process for process in below if process.is_running()], lab.GRACE)
    for process in left:
        process.kill()
    if left:
        raise RuntimeError(f"JupyterLab left behind: {[process.pid for process in left]}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, without a window.

    Raises:
        RuntimeError: if there is none.
    """
    found = environment.find_chromium()
    if found is None:
        raise RuntimeError("no Chromium found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """One notebook, open in JupyterLab: run it, type into it, look at it, save it."""

    def __init__(self, browser: Browser, address: str, path: str, size: str = "laptop"):
        """Open `path` (relative to the server's root) and wait until its kernel is ready."""
        width, height = SIZES[size]
        self.page: Page = browser.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(1000 * OPEN_SECONDS)
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"{address}/lab/tree/{path}?token={TOKEN}&reset")
        self.page.wait_for_function(
            """() => {
                window.panel = window.jupyterapp?.shell.currentWidget;
                return window.panel?.context?.isReady
                    && window.panel.sessionContext.session?.kernel?.status === "idle";
            }"""
        )
        self.page.evaluate("jupyterapp.restored")

    def __enter__(self) -> "Notebook":
        return self

    def __exit__(self, *error: object) -> None:
        self.page.evaluate("panel.sessionContext.shutdown()")
        self.page.close()

    @property
    def cells(self) -> list[dict]:
        """The cells as the notebook's model holds them, outputs included."""
        return self.page.evaluate("panel.context.model.toJSON().cells")

    def command(self, name: str, seconds: float) -> set[str]:
        """Run one of JupyterLab's commands to its end.

        Returns:
            Ids of the cells in which a progress bar was seen to move meanwhile.

        Raises:
            TimeoutError: if it takes longer than `seconds`.
        """
        self.start(name)
        return self.wait(seconds)

    def start(self, name: str) -> None:
        """Run one of JupyterLab's commands, and do not wait for its end."""
        self.page.evaluate(
            """name => {
                window.running = true;
                const done = () => { window.running = false; };
                jupyterapp.commands.execute(name).then(done, done);
            }""",
            name,
        )

    def wait(self, seconds: float) -> set[str]:
        """Wait for the end of what was started; returns and raises as `command` does.

        A command that runs cells says that it is done as soon as one of them has failed, also
        where that is meant and the others still run: so the kernel must have been idle for a while.
        """
        moving, start = set(), time.monotonic()
        quiet_since = None
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_SECONDS:
            if time.monotonic() - start > seconds:
                raise TimeoutError(f"not done after {seconds} s")
            idle = self.page.evaluate(
                "!window.running && panel.sessionContext.session.kernel.status === 'idle'"
            )
            quiet_since = (quiet_since or time.monotonic()) if idle else None
            moving |= set(self.bars())
            time.sleep(0.1)
        return moving

    def bars(self) -> list[str]:
        """Ids of the cells whose output is a progress bar on its way."""
        return self.page.evaluate(
            r"""() => panel.content.widgets.filter(cell => {
                const outputs = cell.model.outputs;
                for (let i = 0; i < (outputs?.length ?? 0); i++) {
                    const text = outputs.get(i).data["text/plain"];
                    if (text && /\d+%\|/.test(text)) return true;
                }
                return false;
            }).map(cell => cell.model.id)"""
        )

    def until_a_bar_moves(self, number: int, seconds: float) -> None:
        """Wait until the progress bar of a cell is on its way; raises as `command` does."""
        start = time.monotonic()
        while self.cells[number]["id"] not in self.bars():
            if time.monotonic() - start > seconds:
                raise TimeoutError(f"no bar moved within {seconds} s")
            time.sleep(0.1)

    def index(self, fragment: str) -> int:
        """Number of the only code cell that holds this piece of text."""
        found = [
            number
            for number, cell in enumerate(self.cells)
            if cell["cell_type"] == "code" and fragment in notebook_file.joined(cell["source"])
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} code cells hold {fragment!r}")
        return found[0]

    def show(self, number: int) -> None:
        """Make a cell the active one, scroll to it, and wait until it is drawn."""
        self.page.evaluate(
            """async number => {
                panel.content.deselectAll();
                panel.content.mode = "command";
                panel.content.activeCellIndex = number;
                await panel.content.scrollToItem(number, "start");
                await panel.content.widgets[number].ready;
            }""",
            number,
        )

    def type(self, number: int, source: str) -> None:
        """Replace the text of a cell as a learner would: click, select all, type."""
        self.show(number)
        editor = "panel.content.widgets[number].node.querySelector('.cm-content')"
        self.page.evaluate_handle(f"number => {editor}", number).as_element().click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Escape")

    def answer(self, number: int, source: str, seconds: float = 180) -> str:
        """Type into a cell and run it; returns what it printed."""
        self.type(number, source)
        self.command("notebook:run-cell", seconds)
        outputs = self.cells[number]["outputs"]
        return "".join(notebook_file.joined(output.get("text", "")) for output in outputs)

    def clipped(self, number: int) -> list[str]:
        """Outputs of a cell that go beyond the right edge, or must be scrolled sideways."""
        return self.page.evaluate(
            """number => {
                const right = panel.content.node.getBoundingClientRect().right;
                const parts = ".jp-OutputArea-output, .jp-OutputArea-output *";
                return [...panel.content.widgets[number].node.querySelectorAll(parts)]
                    .filter(node => node.getBoundingClientRect().right > right
                        || (node.scrollWidth > node.clientWidth + 1
                            && getComputedStyle(node).overflowX !== "visible"))
                    .map(node => node.tagName + " " + node.textContent.trim().slice(0, 200));
            }""",
            number,
        )

    def pictures(self, number: int) -> list[float]:
        """Height of each picture that a cell shows, as a share of what is seen of the notebook.

        Raises:
            Error: if one of them cannot be drawn.
        """
        return self.page.evaluate(
            """async number => {
                const node = panel.content.widgets[number].node;
                const pictures = [...node.querySelectorAll(".jp-OutputArea-output img")];
                await Promise.all(pictures.map(picture => picture.decode()));
                if (pictures.some(picture => !picture.naturalWidth)) throw Error("decode");
                return pictures.map(p => p.clientHeight / panel.content.node.clientHeight);
            }""",
            number,
        )

    def drawn(self, number: int, selector: str, seconds: float = 10) -> bool:
        """Whether a cell holds such an element, at once or after a while."""
        return self.page.evaluate(
            """async ([number, selector, seconds]) => {
                const node = panel.content.widgets[number].node, start = Date.now();
                while (!node.querySelector(selector) && Date.now() - start < 1000 * seconds)
                    await new Promise(resolve => setTimeout(resolve, 50));
                return node.querySelector(selector) !== null;
            }""",
            [number, selector, seconds],
        )

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save", 60)
