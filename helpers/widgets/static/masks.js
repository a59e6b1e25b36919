// The figure to type a conversation into: what `positions` finds, drawn anew with every key.
const MODES = {
  answers: ["answers only", "Right: each answer is trained, and the <|im_end|> that closes it. The model learns what to say and when to stop."],
  everything: ["everything", "The system message, the user's words and the headers are trained as well, so the loss also counts text that the model never has to write."],
  padded: ["pad = eos", "Wrong: the padding token is also the end token. Whoever sets every label with the padding token's id to −100 loses every <|im_end|>, the one after the answer too, and then nothing teaches the model to stop."],
  endless: ["no end token in the text", "Wrong: the text was built without <|im_end|> after the answer. A token that is not there cannot be learned, so nothing teaches the model to stop."],
  twice: ["shifted twice", "Wrong: the labels were shifted by hand, and the model shifts them again. Each trained position must predict the token after the next one. The counts look right; only the targets are wrong."],
};
const SIGNS = { " ": "·", "\n": "↵", "\t": "⇥" };
const INVISIBLE = /([\p{C}\p{Z}])/u;

const make = (name, kind, ...inside) => {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...inside);
  return node;
};
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// A token as people can read it; a piece of a character is shown by its bytes.
function readable(tables, id) {
  const bytes = bytesOf(tables, id);
  const hex = (number) => number.toString(16).toUpperCase().padStart(2, "0");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return [make("span", "sign", bytes.map(hex).join(" "))];
  }
  return text.split(INVISIBLE).filter(Boolean).map((part) => INVISIBLE.test(part)
    ? make("span", "sign", SIGNS[part] ?? `U+${hex(part.codePointAt(0)).padStart(4, "0")}`) : part);
}

function drawPosition(tables, { id, special, typed, target, label }) {
  const trained = label !== null && label !== IGNORED;
  const kinds = [special && "special", typed && "typed", trained && "trained"];
  const read = [make("span", "read mono", ...readable(tables, id)), make("span", "id mono", id)];
  const next = target === null ? ["–"] : readable(tables, target);
  return make("li", kinds.filter(Boolean).join(" "), ...read,
    make("span", "arrow", trained ? "⬇" : "↓"),
    make("span", "unseen", trained ? "is trained to predict" : "not trained:"),
    make("span", "target mono", ...next),
    make("span", "label mono", label === null ? "–" : `${label}`.replace("-", "−")));
}

function drawMessage(tables, { role, inserted }, found) {
  const name = make("p", "role", role);
  if (inserted) name.append(make("span", "", " (inserted by the template)"));
  const list = make("ol", "positions", ...found.map((each) => drawPosition(tables, each)));
  list.setAttribute("aria-label", `Tokens of the ${role} message`);
  return make("div", "message", name, list);
}

class Figure {
  constructor(figure, data) {
    this.part = (id) => figure.querySelector(id);
    this.tables = readTables(data);
    const choices = this.part("#modes .choice");
    for (const [mode, [name]] of Object.entries(MODES)) {
      const input = make("input", "unseen");
      Object.assign(input, { type: "radio", name: "mode", value: mode, checked: mode === "answers" });
      choices.append(make("label", "", input, make("span", "", name)));
    }
    const tries = [...figure.querySelectorAll(".tries button")];
    for (const button of tries)
      button.addEventListener("click", () => this.fill(JSON.parse(button.value)));
    this.part("#turn").addEventListener("click", () => this.showSecond(this.part(".second").hidden, true));
    figure.addEventListener("input", () => this.draw());
    this.fill(JSON.parse(tries[0].value));
  }

  fill(messages) {
    const [system] = messages.filter(({ role }) => role === "system");
    this.part("#system").value = system?.content ?? "";
    for (const role of ["user", "assistant"]) {
      const [first, second] = messages.filter((each) => each.role === role);
      this.part(`#${role}`).value = first.content;
      this.part(`#${role}-2`).value = second?.content ?? "";
    }
    this.showSecond(messages.filter(({ role }) => role === "user").length > 1, false);
  }

  showSecond(isShown, focus) {
    for (const id of ["#user-2", "#assistant-2"]) this.part(id).parentNode.hidden = !isShown;
    this.part("#turn").textContent = isShown ? "Remove the second turn" : "Add a second turn";
    if (isShown && focus) this.part("#user-2").focus();
    this.draw();
  }

  messages() {
    const turns = this.part(".second").hidden ? [""] : ["", "-2"];
    const said = turns.flatMap((turn) => ["user", "assistant"].map((role) =>
      ({ role, content: this.part(`#${role}${turn}`).value })));
    const system = this.part("#system").value;
    return system ? [{ role: "system", content: system }, ...said] : said;
  }

  draw() {
    const mode = this.part("#modes input:checked").value, messages = this.messages();
    const found = positions(this.tables, messages, mode);
    const { parts } = render(this.tables, messages, mode);
    this.part("#chat").replaceChildren(...parts.map((part, n) =>
      drawMessage(this.tables, part, found.filter(({ message }) => message === n))));
    this.say(mode, found);
  }

  say(mode, found) {
    const trained = found.filter(({ label }) => label !== null && label !== IGNORED).length;
    const share = 100 * trained / found.length, bar = make("i", "");
    bar.style.width = `${share}%`;
    const frame = make("span", "", bar);
    frame.id = "share";
    const facts = [[found.length, found.length === 1 ? "token" : "tokens"], [trained, "trained"], [`${share.toFixed(1)}\u00a0%`, "share"]];
    this.part("#count").replaceChildren(...facts.map(([number, name]) =>
      make("span", "", make("b", "", number), ` ${name}`)), frame);
    this.part("#said").textContent = MODES[mode][1];
    const typed = found.filter((each) => each.typed).length, note = this.part("#typed");
    note.hidden = !typed;
    note.textContent = `${count(typed, "special token")} typed by hand. To the model ${typed === 1 ? "it is" : "they are"} as real as the template's own: this is how a prompt injection works.`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
