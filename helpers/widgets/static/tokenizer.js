// The figure to type into: what `tokenize` finds, drawn anew with every key.
const make = (name, kind, ...inside) => {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...inside);
  return node;
};

function drawPiece(piece, id, kind) {
  const chip = make("span", "chip mono");
  const goesOn = piece.startsWith("##") && piece.length > 2;
  if (goesOn) chip.append(make("span", "sharp", "##"));
  chip.append(goesOn ? piece.slice(2) : piece);
  return make("span", `piece ${kind}`, chip, make("span", "id mono", id));
}

function drawWord({ word, pieces, ids, special }, isCut) {
  const kind = (piece) => (special ? "special" : piece === "[UNK]" ? "unknown" : "");
  const drawn = pieces.map((piece, i) => drawPiece(piece, ids[i], kind(piece)));
  const label = make("span", "word", word);
  label.title = word;
  return make("li", isCut ? "cut" : "", label, make("span", "pieces", ...drawn));
}

// What fits between [CLS] and [SEP], and what does not; a word may be cut in two.
function divide(found, room) {
  const kept = [], cut = [];
  for (const each of found) {
    const [first, rest] = [[0, room], [room, Infinity]].map((ends) =>
      ({ ...each, pieces: each.pieces.slice(...ends), ids: each.ids.slice(...ends) }));
    if (first.pieces.length) kept.push(first);
    if (rest.pieces.length) cut.push({ ...rest, word: first.pieces.length ? "…" : each.word });
    room -= first.pieces.length;
  }
  return [kept, cut];
}

function countInWords(pieces, longest) {
  const all = pieces + 2, tokens = `${all} tokens: ${pieces} from the text, and [CLS] and [SEP]. `;
  const over = all - longest;
  return tokens + (over > 0
    ? `max_length=${longest} keeps ${longest} and cuts off ${over}.`
    : `max_length=${longest} cuts off nothing.`);
}

function start(figure, data) {
  const tables = readTables(data), part = (id) => figure.querySelector(id);
  const special = (name) => ({ word: "", special: true, pieces: [name], ids: [tables.ids.get(name)] });
  const draw = () => {
    const found = tokenize(tables, part("#text").value), longest = Number(part("#longest").value);
    const [kept, cut] = divide(found, longest - 2);
    const shown = [special("[CLS]"), ...kept, special("[SEP]")].map((word) => drawWord(word, false));
    part("#words").replaceChildren(...shown, ...cut.map((word) => drawWord(word, true)));
    part("#chosen").value = longest;
    const pieces = found.reduce((sum, word) => sum + word.pieces.length, 0);
    part("#count").textContent = countInWords(pieces, longest);
  };
  part("#text").addEventListener("input", draw);
  part("#longest").addEventListener("input", draw);
  for (const button of figure.querySelectorAll("button"))
    button.addEventListener("click", () => {
      part("#text").value = button.value;
      draw();
    });
  draw();
}
