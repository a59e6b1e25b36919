// Finds the sections that hold all words; whole lines of the index lie in search-index.js.

const SHOWN = 40;
const AROUND = 80;
const SECTIONS = INDEX.flatMap(([page, address, sections]) =>
  sections.map(([section, anchor, text]) => ({
    page,
    section,
    url: `${address}#${anchor || anchorOf(section)}`,
    text,
  }))
);

// What most anchors are; the index has only the others (usual_anchor in build.py).
function anchorOf(heading) {
  return heading.toLowerCase().replace(/[^a-z0-9_ -]/g, "").replaceAll(" ", "-");
}

function termsOf(query) {
  return query.toLowerCase().match(/[\p{L}\p{N}_.-]+/gu) ?? [];
}

function startsOf(term) {
  const plain = term.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${plain}`, "giu");
}

function count(text, pattern) {
  return (text.match(pattern) ?? []).length;
}

// A hit in a heading counts more than one in the text; 0 if a word is missing.
function score(section, patterns) {
  let total = 0;
  for (const pattern of patterns) {
    const hits =
      20 * count(section.page, pattern) +
      10 * count(section.section, pattern) +
      Math.min(5, count(section.text, pattern));
    if (hits === 0) return 0;
    total += hits;
  }
  return total;
}

function excerpt(text, patterns) {
  const first = Math.min(...patterns.map((pattern) => text.search(pattern)).filter((at) => at >= 0));
  const at = Number.isFinite(first) ? first : 0;
  const begin = Math.max(0, at - AROUND);
  const end = Math.min(text.length, at + 2 * AROUND);
  return (begin > 0 ? "… " : "") + text.slice(begin, end) + (end < text.length ? " …" : "");
}

function marked(text, patterns) {
  const pieces = document.createElement("p");
  const any = new RegExp(patterns.map((pattern) => pattern.source).join("|"), "giu");
  let done = 0;
  for (const hit of text.matchAll(any)) {
    pieces.append(text.slice(done, hit.index));
    const mark = document.createElement("mark");
    mark.textContent = hit[0];
    pieces.append(mark);
    done = hit.index + hit[0].length;
  }
  pieces.append(text.slice(done));
  return pieces;
}

function entry(section, patterns) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = section.url;
  link.textContent =
    section.section === section.page ? section.page : `${section.page}: ${section.section}`;
  item.append(link, marked(excerpt(section.text, patterns), patterns));
  return item;
}

function show(query) {
  const patterns = termsOf(query).map(startsOf);
  const found = SECTIONS.map((section) => ({ section, points: score(section, patterns) }))
    .filter(({ points }) => points > 0)
    .sort((one, other) => other.points - one.points);
  const shown = found.slice(0, SHOWN);
  document.getElementById("words").value = query;
  document.getElementById("found").textContent =
    `${found.length} ${found.length === 1 ? "section holds" : "sections hold"} “${query}”` +
    (found.length > SHOWN ? `; the ${SHOWN} best are shown. More words narrow it down.` : ".");
  document
    .getElementById("results")
    .replaceChildren(...shown.map(({ section }) => entry(section, patterns)));
}

const asked = new URLSearchParams(location.search).get("words");
if (asked && termsOf(asked).length > 0) show(asked);
