// BERT's tokenizer, step by step as the library does it. It knows no page: tests run it alone.
const SPECIAL = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/;
const LONGEST_WORD = 100;

function readTables(stored) {
  const tables = { ids: new Map(), kinds: {} };
  stored.pieces.split("\n").forEach((piece, id) => tables.ids.set(piece, id));
  for (const [kind, text] of Object.entries(stored.characters)) {
    const numbers = text.split(" ").map((digits) => parseInt(digits, 36));
    let last = 0;
    tables.kinds[kind] = [];
    for (let i = 0; i < numbers.length; i += 2) {
      const start = last + numbers[i];
      last = start + numbers[i + 1];
      tables.kinds[kind].push([start, last]);
    }
  }
  return tables;
}

function isKind(tables, kind, character) {
  const code = character.codePointAt(0), ranges = tables.kinds[kind];
  let low = 0, high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (code < ranges[middle][0]) high = middle - 1;
    else if (code > ranges[middle][1]) low = middle + 1;
    else return true;
  }
  return false;
}

function normalize(tables, text) {
  const is = (kind, character) => isKind(tables, kind, character);
  let clean = "";
  for (const character of text) {
    if (is("removed", character)) continue;
    if (is("space", character)) clean += " ";
    else clean += is("chinese", character) ? ` ${character} ` : character;
  }
  let plain = "";
  for (const character of clean.normalize("NFD"))
    if (!is("accent", character)) plain += character.toLowerCase();
  return plain;
}

function words(tables, normalized) {
  const found = [];
  let word = "";
  const end = () => { if (word) found.push(word); word = ""; };
  for (const character of normalized) {
    const space = isKind(tables, "space", character);
    if (space || isKind(tables, "punctuation", character)) end();
    if (space) continue;
    word += character;
    if (isKind(tables, "punctuation", character)) end();
  }
  end();
  return found;
}

function wordPieces(tables, word) {
  const letters = [...word], pieces = [];
  if (letters.length > LONGEST_WORD) return ["[UNK]"];
  for (let start = 0, end; start < letters.length; start = end) {
    let piece = "";
    for (end = letters.length; end > start; end--) {
      piece = (start ? "##" : "") + letters.slice(start, end).join("");
      if (tables.ids.has(piece)) break;
    }
    if (end === start) return ["[UNK]"];
    pieces.push(piece);
  }
  return pieces;
}

// Words with their pieces and ids; what stands in the text as "[SEP]" is special, as in the library.
function tokenize(tables, text) {
  const found = [];
  const add = (word, pieces, special) =>
    found.push({ word, special, pieces, ids: pieces.map((piece) => tables.ids.get(piece)) });
  text.split(SPECIAL).forEach((part, number) => {
    if (number % 2) add("", [part], true);
    else for (const word of words(tables, normalize(tables, part))) add(word, wordPieces(tables, word), false);
  });
  return found;
}
