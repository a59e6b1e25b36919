// The figure of samples: draws of right and wrong answers, each with its interval.
const SHOWN = 20, LEFT = 0.6, RIGHT = 1, SEED = 5;
const svg = (name, attributes, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
const place = (share) => 20 + (600 * (Math.min(RIGHT, Math.max(LEFT, share)) - LEFT)) / (RIGHT - LEFT);

class Figure {
  constructor(figure, data) {
    this.part = (id) => figure.querySelector(`#${id}`);
    this.chosen = (name) => figure.querySelector(`[name=${name}]:checked`).value;
    this.right = rightOnes(readTables(data));
    this.truth = this.right.reduce((a, b) => a + b) / this.right.length;
    this.part("one").addEventListener("click", () => this.drawSamples(1));
    this.part("many").addEventListener("click", () => this.drawSamples(100));
    this.part("again").addEventListener("click", () => this.startAgain());
    figure.addEventListener("change", ({ target }) => (target.name === "n" ? this.startAgain() : this.show()));
    this.startAgain();
  }

  startAgain() {
    this.random = chance(SEED);
    this.hits = [];
    this.drawSamples(1);
  }

  drawSamples(count) {
    for (let i = 0; i < count; i++) this.hits.push(drawHits(this.right, Number(this.chosen("n")), this.random));
    this.show();
  }

  show() {
    const n = Number(this.chosen("n")), kind = this.chosen("kind");
    const found = this.hits.map((hits) => ({ share: hits / n, ends: interval(hits, n, kind) }));
    const holds = ({ ends }) => ends[0] <= this.truth && this.truth <= ends[1];
    const nodes = [svg("path", { class: "axis", d: "M20 305H620" })];
    for (const tick of [0.6, 0.7, 0.8, 0.9, 1])
      nodes.push(svg("text", { x: place(tick), y: 328, "text-anchor": { 0.6: "start", 1: "end" }[tick] ?? "middle" }, `${Math.round(100 * tick)}\u00a0%`));
    found.slice(-SHOWN).forEach((one, row) => {
      const y = 15 + 14 * row, kindOf = holds(one) ? "hit" : "miss";
      nodes.push(svg("line", { class: kindOf, x1: place(one.ends[0]), x2: place(one.ends[1]), y1: y, y2: y }),
        svg("circle", { class: kindOf, cx: place(one.share), cy: y, r: 3 }));
    });
    nodes.push(svg("line", { class: "truth", x1: place(this.truth), x2: place(this.truth), y1: 4, y2: 305 }));
    this.part("draws").replaceChildren(...nodes);
    const last = found.at(-1), kept = found.filter(holds).length;
    this.part("said").textContent =
      `The last sample of ${n}: ${percent(last.share)} right, interval ${percent(last.ends[0])} to ${percent(last.ends[1])}. ` +
      `Of ${found.length} interval${found.length === 1 ? "" : "s"} so far, ${kept} contain${kept === 1 ? "s" : ""} the ${percent(this.truth)} of all 853.`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
