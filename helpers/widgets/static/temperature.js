// The figure of the temperature: what `judge` and `reliability` find, drawn anew with every move.
const BINS = 10;
const left = (share) => 42 + 270 * share, up = (share) => 282 - 270 * share;

class Figure {
  constructor(figure, { labels, scores }) {
    [this.labels, this.scores] = [labels, scores];
    this.part = (id) => figure.querySelector(`#${id}`);
    this.epoch = () => figure.querySelector("[name=epoch]:checked").value;
    const { min, max, step } = this.part("tau");
    const steps = Math.round((max - min) / step);
    this.grid = Array.from({ length: steps + 1 }, (_, i) => Number((+min + i * step).toFixed(2)));
    this.curves = {};
    figure.addEventListener("input", () => this.draw());
    for (const measure of ["nll", "ece"])
      this.part(`best-${measure}`).addEventListener("click", () => this.go(lowest(this.curve(), measure)));
    this.part("habit").addEventListener("click", () => this.go(1));
    this.draw();
  }

  // All measures at all temperatures of the slider, once for each epoch.
  curve() {
    const epoch = this.epoch();
    this.curves[epoch] ??= this.grid.map((temperature) =>
      ({ temperature, ...judge(this.labels, this.scores[epoch], temperature, BINS) }));
    return this.curves[epoch];
  }

  go(temperature) {
    this.part("tau").value = temperature;
    this.draw();
  }

  drawBins(table) {
    const nodes = [svg("path", { class: "axis", d: "M42 12V282H312" }), svg("path", { class: "true", d: "M42 282L312 12" }),
      svg("text", { x: left(0.5), y: 316, "text-anchor": "middle" }, "probability given to positive"),
      svg("text", { x: 0, y: 0, "text-anchor": "middle", transform: "translate(12 147) rotate(-90)" }, "share that is positive")];
    for (const tick of [0, 0.5, 1])
      nodes.push(svg("text", { x: left(tick), y: 298, "text-anchor": "middle" }, tick), svg("text", { x: 36, y: up(tick) + 4, "text-anchor": "end" }, tick));
    for (const { said, happened, n, hits } of table) {
      const x = left(said), ends = interval(hits, n, "wilson");
      nodes.push(svg("line", { class: "spread", x1: x, x2: x, y1: up(ends[0]), y2: up(ends[1]) }),
        svg("line", { class: "off", x1: x, x2: x, y1: up(said), y2: up(happened) }),
        svg("circle", { class: "bin", cx: x, cy: up(happened), r: 2.5 + 8 * Math.sqrt(n / this.labels.length) }));
    }
    this.part("diagram").replaceChildren(...nodes);
  }

  drawCurve(measure, [low, top], temperature) {
    const curve = this.curve(), least = this.grid[0], most = this.grid.at(-1);
    const x = (t) => 42 + (240 * (t - least)) / (most - least), y = (value) => 112 - (100 * (Math.min(value, top) - low)) / (top - low);
    const here = curve.find((each) => each.temperature === temperature);
    const nodes = [svg("path", { class: "axis", d: "M42 12V112H282" }),
      svg("path", { class: "curve", d: through(curve.map((each) => [x(each.temperature), y(each[measure])])) }),
      svg("line", { class: "now", x1: x(temperature), x2: x(temperature), y1: 8, y2: 112 }),
      svg("circle", { class: "dot", cx: x(temperature), cy: y(here[measure]), r: 5 })];
    for (const tick of [least, 1, 2, 3, most]) nodes.push(svg("text", { x: x(tick), y: 128, "text-anchor": "middle" }, tick));
    for (const tick of [low, top]) nodes.push(svg("text", { x: 36, y: y(tick) + 4, "text-anchor": "end" }, tick));
    this.part(measure).replaceChildren(...nodes);
  }

  draw() {
    const epoch = this.epoch(), temperature = Number(this.part("tau").value), scores = this.scores[epoch];
    const table = reliability(this.labels, warmed(scores, temperature), BINS);
    const now = judge(this.labels, scores, temperature, BINS), before = judge(this.labels, scores, 1, BINS);
    this.part("value").textContent = temperature.toFixed(2);
    this.drawBins(table);
    this.drawCurve("nll", [0.4, 1], temperature);
    this.drawCurve("ece", [0, 0.2], temperature);
    const rows = [["accuracy", "accuracy"], ["ECE", "ece"], ["Brier", "brier"], ["cross-entropy", "nll"]];
    this.part("measures").replaceChildren(...tableRows(rows.map(([name, key]) => [name, before[key].toFixed(3), now[key].toFixed(3)])));
    const top = table.at(-1), percent = (share) => `${Math.round(100 * share)}\u00a0%`;
    this.part("said").textContent =
      `Epoch ${epoch}, τ = ${temperature.toFixed(2)}: ${top.n} sentences lie in the highest bin that holds any. On average the model said ` +
      `${percent(top.said)} there, and ${percent(top.happened)} are positive. Cross-entropy ${now.nll.toFixed(3)}, ECE ${now.ece.toFixed(3)}. ` +
      `It is right on ${Math.round(now.accuracy * this.labels.length)} of ${this.labels.length} sentences.`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
