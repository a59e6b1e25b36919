// The figure of attention: recorded weights, and a choice of sentence, layer, head and token.
const ROW = 30, FEW = 0.02, ALL = -1;
const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const make = (name, kind, ...inside) => {
  const node = document.createElement(name);
  node.className = kind;
  node.append(...inside);
  return node;
};
const percent = (weight) => `${Math.round(100 * weight)}\u00a0%`;

// One choice of a group: a radio button, so that arrow keys and screen readers know it.
function choice(group, value, words, ...inside) {
  const input = make("input", "unseen");
  Object.assign(input, { type: "radio", name: group, value });
  input.setAttribute("aria-label", words);
  return make("label", "", input, ...inside);
}

function weightsOf(sentence) {
  const bytes = Uint8Array.from(atob(sentence.weights), (c) => c.charCodeAt(0));
  const size = sentence.tokens.length;
  return (layer, head, from, to) =>
    bytes[(((layer - 1) * 12 + head) * size + from) * size + to] / 255;
}

class Figure {
  constructor(figure, data) {
    this.part = (id) => figure.querySelector(id);
    this.data = data;
    this.state = { ...data.first };
    data.sentences.forEach((sentence, i) => this.part("#sentence").append(new Option(sentence.text, i)));
    for (let layer = 1; layer <= 6; layer++)
      this.part("#layers").append(choice("layer", layer, `layer ${layer}`, make("span", "", `${layer}`)));
    for (let head = 0; head < 12; head++)
      this.part("#maps").append(choice("head", head, `head ${head}`, make("span", "", document.createElement("canvas"), `${head}`)));
    this.part("#all").append(choice("token", ALL, "all tokens at once", make("span", "", "all tokens at once")));
    figure.addEventListener("change", ({ target }) => this.choose(target));
    this.part("#from").addEventListener("pointerover", (event) => this.preview(event));
    this.part("#from").addEventListener("pointerleave", () => this.drawLines(this.state.token));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawMaps());
    addEventListener("scheme", () => this.drawMaps());
    this.newSentence();
  }

  choose(target) {
    const name = target.name || "sentence";
    this.state[name] = Number(target.value);
    if (name === "sentence") {
      Object.assign(this.state, this.data.sentences[this.state.sentence].look);
      this.newSentence();
    } else this.draw();
  }

  go(state) {
    Object.assign(this.state, state);
    this.draw();
  }

  preview({ target, pointerType }) {
    const input = target.closest("label")?.querySelector("input");
    if (input && pointerType === "mouse") this.drawLines(Number(input.value));
  }

  newSentence() {
    this.sentence = this.data.sentences[this.state.sentence];
    this.weight = weightsOf(this.sentence);
    const { tokens } = this.sentence;
    this.part("#from").replaceChildren(...tokens.map((token, i) =>
      choice("token", i, `${token}, token ${i + 1} of ${tokens.length}`, make("span", "token mono", token))));
    this.part("#to").replaceChildren(...tokens.map((token) =>
      make("div", "", make("span", "token mono", token), make("span", "percent"))));
    const lines = this.part("#lines");
    lines.setAttribute("viewBox", `0 0 100 ${ROW * tokens.length}`);
    lines.style.height = `${ROW * tokens.length}px`;
    this.newHints();
    this.draw();
  }

  newHints() {
    const { look, tokens } = this.sentence, hints = this.part("#hints");
    const weight = percent(this.weight(look.layer, look.head, look.token, look.at));
    const own = `layer ${look.layer}, head ${look.head}: “${tokens[look.token]}” gives ${weight} to “${tokens[look.at]}”`;
    const notable = this.data.notable.map((each) =>
      [`layer ${each.layer}, head ${each.head}: ${each.words}`, { layer: each.layer, head: each.head, token: ALL }]);
    const { layer, head, token } = look;
    hints.replaceChildren(hints.firstElementChild, ...[[own, { layer, head, token }], ...notable].map(([words, state]) => {
      const button = make("button", "", words);
      button.type = "button";
      button.addEventListener("click", () => this.go(state));
      return button;
    }));
  }

  draw() {
    this.part("#sentence").value = this.state.sentence;
    for (const name of ["layer", "head", "token"])
      for (const input of document.getElementsByName(name))
        input.checked = Number(input.value) === this.state[name];
    this.drawMaps();
    this.drawLines(this.state.token);
  }

  drawMaps() {
    const size = this.sentence.tokens.length, ink = getComputedStyle(this.part("#lines")).color;
    this.part("#maps").querySelectorAll("canvas").forEach((canvas, head) => {
      canvas.width = canvas.height = size;
      const pen = canvas.getContext("2d");
      pen.fillStyle = ink;
      for (let from = 0; from < size; from++)
        for (let to = 0; to < size; to++) {
          pen.globalAlpha = this.weight(this.state.layer, head, from, to);
          pen.fillRect(to, from, 1, 1);
        }
    });
  }

  drawLines(chosen) {
    const { layer, head } = this.state, { tokens } = this.sentence, drawn = [];
    tokens.forEach((_, from) => {
      if (chosen !== ALL && chosen !== from) return;
      tokens.forEach((_, to) => {
        const weight = this.weight(layer, head, from, to);
        if (weight < FEW) return;
        const [y, z] = [from, to].map((row) => ROW * (row + 0.5));
        drawn.push(svg("path", {
          d: `M0 ${y} C40 ${y} 60 ${z} 100 ${z}`,
          "stroke-width": 1 + 11 * weight,
          "stroke-opacity": 0.25 + 0.65 * weight,
        }));
      });
    });
    this.part("#lines").replaceChildren(...drawn);
    this.writePercentages(chosen);
  }

  writePercentages(chosen) {
    const { layer, head } = this.state, { tokens } = this.sentence;
    const row = tokens.map((_, to) => (chosen === ALL ? 0 : this.weight(layer, head, chosen, to)));
    const most = Math.max(...row);
    [...this.part("#to").children].forEach((line, to) => {
      line.lastChild.textContent = chosen === ALL ? "" : percent(row[to]);
      line.className = chosen !== ALL && row[to] === most ? "strong" : "";
    });
    this.part("#said").textContent = `Layer ${layer}, head ${head}: ` + (chosen === ALL
      ? "where every token looks. Choose a token on the left to see its percentages."
      : `“${tokens[chosen]}” looks at ${this.largest(row)}.`);
  }

  largest(row) {
    const { tokens } = this.sentence;
    const order = row.map((weight, to) => [weight, to]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    const words = order.filter(([weight], i) => !i || weight >= 0.05)
      .map(([weight, to]) => `“${tokens[to]}” with ${percent(weight)}`);
    return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0];
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
