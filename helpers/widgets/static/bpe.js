// SmolLM2's tokenizer, byte-level BPE, step by step as the library does it. It knows no page: tests
// run it alone.
const BASE = 64, FIRST_DIGIT = 35;
// Every character takes a shape of its kind; signs are what is no letter, number or space.
// One that stands alone is a number to the step that takes out digits, and to no other.
const KINDS = { sign: "!", letter: "a", number: "0", space: "\t", alone: "\u0100" };
// The regular expression of GPT-2, for a text of such shapes, whose Unicode is settled.
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+/g;

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
const numbers = (columns) => Array.from(columns[0], (_, n) =>
  columns.reduce((sum, digits) => sum * BASE + digits.charCodeAt(n) - FIRST_DIGIT, 0));

function readTables(stored) {
  const { special, bytes, digits, opening } = stored;
  const left = numbers(stored.left), right = numbers(stored.right);
  const tables = { special, bytes, digits, opening, left, right, ranks: new Map(), ids: [] };
  tables.firstMerge = special.length + bytes.length;
  tables.typed = new RegExp(`(${special.map(escaped).join("|")})`);
  bytes.forEach((byte, n) => { tables.ids[byte] = special.length + n; });
  left.forEach((id, rank) => tables.ranks.set(id * 65536 + right[rank], rank));
  tables.shapes = new Uint16Array(0x110000).fill(KINDS.sign.charCodeAt(0));
  for (const [kind, text] of Object.entries(stored.characters)) {
    const distances = text.split(" ").map((each) => parseInt(each, 36));
    for (let i = 0, at = 0; i < distances.length; i += 2) {
      const start = at + distances[i];
      at = start + distances[i + 1];
      tables.shapes.fill(KINDS[kind].charCodeAt(0), start, at + 1);
    }
  }
  return tables;
}

// Half of a surrogate pair is no character: no file and no other program can hold it.
function withoutHalves(text) {
  const isHalf = (each) => each.length === 1 && /[\ud800-\udfff]/.test(each);
  return Array.from(text).filter((each) => !isHalf(each)).join("");
}

function words(tables, text) {
  const characters = Array.from(text), found = [];
  const shape = characters.map((each) => each < "\x80"
    ? each : String.fromCharCode(tables.shapes[each.codePointAt(0)])).join("");
  let at = 0;
  for (const part of tables.digits ? shape.split(/([0-9\u0100])/) : [shape])
    for (const { length } of part.match(WORDS) ?? [])
      found.push(characters.slice(at, at += length).join(""));
  return found;
}

// The ids of a word, and the bytes of the text at which each token starts and ends. Neighbours are
// joined, always the pair with the lowest rank, the first one if it is there twice.
function merge(tables, bytes, start) {
  const ids = [], starts = [], ends = [];
  bytes.forEach((byte, n) => {
    if (tables.ids[byte] === undefined) return; // a few bytes have no token; the library drops them
    ids.push(tables.ids[byte]);
    starts.push(start + n);
    ends.push(start + n + 1);
  });
  const rankAt = (n) => tables.ranks.get(ids[n] * 65536 + ids[n + 1]) ?? Infinity;
  const ranks = ids.map((_, n) => rankAt(n));
  for (;;) {
    let best = 0;
    for (let n = 1; n < ranks.length; n++) if (ranks[n] < ranks[best]) best = n;
    if (!(ranks[best] < Infinity)) return { ids, starts, ends };
    ids[best] = tables.firstMerge + ranks[best];
    ends[best] = ends[best + 1];
    for (const list of [ids, starts, ends, ranks]) list.splice(best + 1, 1);
    ranks[best] = rankAt(best);
    if (best) ranks[best - 1] = rankAt(best - 1);
  }
}

// Words with their ids and where these are in the text, in bytes. What stands in the text as
// "<|im_end|>" is special, as in the library.
function tokenize(tables, text) {
  const found = [], encoder = new TextEncoder();
  let at = 0;
  withoutHalves(text).split(tables.typed).forEach((part, number) => {
    const special = number % 2 === 1;
    for (const word of special ? [part] : words(tables, part)) {
      const bytes = encoder.encode(word), end = at + bytes.length;
      const whole = { ids: [tables.special.indexOf(word)], starts: [at], ends: [end] };
      found.push({ word, special, ...(special ? whole : merge(tables, bytes, at)) });
      at = end;
    }
  });
  return found;
}

function bytesOf(tables, id) {
  if (id < tables.special.length) return [...new TextEncoder().encode(tables.special[id])];
  if (id < tables.firstMerge) return [tables.bytes[id - tables.special.length]];
  const rank = id - tables.firstMerge;
  return [...bytesOf(tables, tables.left[rank]), ...bytesOf(tables, tables.right[rank])];
}
