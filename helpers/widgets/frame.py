"""A page of its own inside an output: offline, keeping its style and its keys to itself."""

import base64
import html
from pathlib import Path

from IPython.display import display

STATIC = Path(__file__).resolve().parent / "static"
# The page cannot reach what is around it. It says when it is ready and how tall it is; it is told
# which colours the page around it has, if that one has a switch (`data-scheme`, as on our site).
FOLLOW = (
    "const f=this,r=document.documentElement,"
    "tell=()=>f.contentWindow?.postMessage(r.dataset.scheme||'height','*');"
    "f.follow||(f.follow=e=>{if(e.source===f.contentWindow)"
    "e.data.ready?tell():f.style.height=Math.ceil(e.data.height)+'px'},"
    "window.addEventListener('message',f.follow),"
    "new MutationObserver(tell).observe(r,{attributeFilter:['data-scheme']}));"
    "tell();f.contentWindow.postMessage('height','*')"
)
RUN = "Run this cell to see the interactive figure. In words: "


def part(name: str) -> str:
    """The text of a file in `static`."""
    return (STATIC / name).read_text(encoding="utf8")


def page(title: str, words: str, body: str, scripts: list[str], data: bytes) -> str:
    """A complete HTML page; without scripts it shows its words.

    Args:
        title: what it is.
        words: what it shows.
        body: HTML that the scripts bring to life; hidden until then.
        scripts: names of files in `static`, in their order.
        data: what the scripts read, a JSON compressed by gzip.
    """
    code = "\n".join(part(name) for name in [*scripts, "frame.js"])
    title, words = html.escape(title), html.escape(words)
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{part('style.css')}</style>"
        f'<main><h1 class="unseen">{title}</h1><p id="in-words">{words}</p>'
        f'<div id="figure" hidden>{body}</div></main>'
        f'<script type="text/plain" id="data">{base64.b64encode(data).decode()}</script>'
        f"<script>{code}</script></html>"
    )


def show(title: str, words: str, content: str, height: int) -> None:
    """Display a page in a frame, with words for whoever cannot see or run it.

    Args:
        title: the frame's name for screen readers.
        words: stored as plain text, and shown where a notebook is not trusted yet.
        content: of `page`.
        height: in pixels, until the page says its own.
    """
    source = html.escape(content).replace("&#x27;", "'")
    frame = (
        f'<iframe class="sft-widget" title="{html.escape(title)}" sandbox="allow-scripts" '
        f'style="width:100%;height:{height}px;border:0;border-radius:8px" '
        f'onload="{html.escape(FOLLOW, quote=False)}" '
        f'srcdoc="{source}">{html.escape(RUN + words)}</iframe>'
    )
    display({"text/html": frame, "text/plain": words}, raw=True)
