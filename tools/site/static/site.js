// Everything here is an extra: without it, the pages can be read and walked through all the same.

const SCHEME = "sft-unveiled-scheme";

function stored() {
  try {
    return localStorage.getItem(SCHEME);
  } catch {
    return null; // a browser may keep nothing for pages from a disk
  }
}

function store(scheme) {
  try {
    localStorage.setItem(SCHEME, scheme);
  } catch {
    // the choice then holds for this page only
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.scheme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// Before the page is drawn, so that it does not flash.
if (stored()) document.documentElement.dataset.scheme = stored();

function prepareSwitch() {
  const button = document.getElementById("theme");
  const show = () => {
    button.textContent = isDark() ? "Light colours" : "Dark colours";
  };
  button.addEventListener("click", () => {
    const scheme = isDark() ? "light" : "dark";
    document.documentElement.dataset.scheme = scheme;
    store(scheme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  button.hidden = false;
}

// A block that does not scroll needs no stop on the keyboard's way.
function stopOnlyWhereItScrolls() {
  for (const block of document.querySelectorAll("[role=group][aria-label]")) {
    const scrolls = block.scrollWidth > block.clientWidth;
    if (scrolls) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
  }
}

// Beside the text the contents stand open; the style sheet shows them so without scripts too.
function openContentsWhereThereIsRoom() {
  const summary = document.querySelector(".contents summary");
  if (getComputedStyle(summary).display === "none") summary.parentElement.open = true;
}

// Long contents beside the text begin where the reader is.
function showPlaceInContents() {
  const contents = document.querySelector(".contents");
  const here = contents.querySelector("[aria-current]");
  if (here) contents.scrollTop = here.offsetTop - contents.offsetTop - 100;
}

// On paper nothing can be opened.
function openAll() {
  for (const closed of document.querySelectorAll("main details:not([open])")) {
    closed.open = true;
    closed.dataset.forPaper = "";
  }
}

function closeAgain() {
  for (const opened of document.querySelectorAll("[data-for-paper]")) {
    opened.open = false;
    delete opened.dataset.forPaper;
  }
}

// A link into what is folded opens it; some browsers do so by themselves.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const own = target?.matches("h2.optional") ? target.nextElementSibling : null;
  for (let box = own ?? target; box; box = box.parentElement) {
    if (box.matches("main details")) box.open = true;
  }
  target?.scrollIntoView();
}

addEventListener("hashchange", openTarget);
// `toggle` does not bubble. What was folded could not be measured.
addEventListener("toggle", stopOnlyWhereItScrolls, true);
addEventListener("DOMContentLoaded", () => {
  prepareSwitch();
  openContentsWhereThereIsRoom();
  showPlaceInContents();
  stopOnlyWhereItScrolls();
  openTarget();
});
addEventListener("load", stopOnlyWhereItScrolls);
addEventListener("resize", stopOnlyWhereItScrolls);
addEventListener("beforeprint", openAll);
addEventListener("afterprint", closeAgain);
