// The figure of the threshold: what `counts` and `measures` find, drawn anew with every move.
const BINS = 20;
const svg = (name, attributes, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const shown = (share) => (share === null ? "0 / 0" : share.toFixed(3));

class Figure {
  constructor(figure, data) {
    this.part = (id) => figure.querySelector(`#${id}`);
    this.tables = readTables(data);
    const { min, max, step } = this.part("threshold");
    const steps = Math.round((max - min) / step);
    this.thresholds = Array.from({ length: steps + 1 }, (_, i) => Number((+min + i * step).toFixed(3)));
    figure.addEventListener("input", () => this.draw());
    this.part("cheapest").addEventListener("click", () => this.go(
      cheapest(this.tables, this.thresholds, this.cost("cost-fp"), this.cost("cost-fn"))));
    this.part("habit").addEventListener("click", () => this.go(0.5));
    this.drawOnce();
    this.draw();
  }

  cost(id) {
    return Math.min(99, Math.max(0, Number(this.part(id).value) || 0));
  }

  go(threshold) {
    this.part("threshold").value = threshold;
    this.draw();
  }

  drawOnce() {
    const found = histogram(this.tables, BINS), most = Math.max(...found.flat());
    const bars = this.part("histogram"), wide = 440 / BINS;
    found.forEach((row, label) => row.forEach((n, bin) => bars.append(svg("rect", {
      class: label ? "positive" : "negative", x: 30 + bin * wide, width: wide - 1,
      y: 200 - (180 * n) / most, height: (180 * n) / most }))));
    bars.append(svg("path", { class: "axis", d: "M30 200H470" }));
    for (const tick of [0, 0.25, 0.5, 0.75, 1])
      bars.append(svg("text", { x: 30 + 440 * tick, y: 218, "text-anchor": "middle" }, tick));
    bars.append(svg("text", { x: 26, y: 24, "text-anchor": "end" }, most), svg("line", { class: "cut", id: "cut", y1: 6, y2: 204 }));
    const curve = this.part("roc"), place = ([x, y]) => `${40 + 220 * x} ${210 - 200 * y}`;
    curve.append(svg("path", { class: "axis", d: "M40 10V210H260" }),
      svg("path", { class: "coin", d: "M40 210L260 10" }),
      svg("path", { class: "curve", d: `M${rocCurve(this.tables).map(place).join("L")}` }),
      svg("text", { x: 150, y: 240, "text-anchor": "middle" }, "false positive rate"),
      svg("text", { x: 0, y: 0, "text-anchor": "middle", transform: "translate(14 110) rotate(-90)" }, "recall"),
      svg("circle", { class: "dot", id: "dot", r: 6 }));
    for (const tick of [0, 1])
      curve.append(svg("text", { x: 40 + 220 * tick, y: 225, "text-anchor": "middle" }, tick),
        svg("text", { x: 34, y: 214 - 200 * tick, "text-anchor": "end" }, tick));
  }

  draw() {
    const threshold = Number(this.part("threshold").value), costFp = this.cost("cost-fp"), costFn = this.cost("cost-fn");
    const found = counts(this.tables, threshold), values = measures(found, costFp, costFn);
    this.part("value").textContent = threshold.toFixed(3);
    for (const name of ["tp", "fp", "fn", "tn"]) this.part(name).textContent = found[name];
    const rows = [["precision", shown(values.precision)], ["recall", shown(values.recall)], ["specificity", shown(values.specificity)],
      ["F1", shown(values.f1)], ["accuracy", shown(values.accuracy)], ["cost", values.cost]];
    this.part("measures").replaceChildren(...rows.map(([name, value]) => {
      const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
      head.scope = "row";
      head.textContent = name;
      cell.textContent = value;
      row.append(head, cell);
      return row;
    }));
    const x = 30 + 440 * threshold;
    for (const end of ["x1", "x2"]) this.part("cut").setAttribute(end, x);
    this.part("dot").setAttribute("cx", 40 + 220 * (1 - values.specificity));
    this.part("dot").setAttribute("cy", 210 - 200 * values.recall);
    const best = cheapest(this.tables, this.thresholds, costFp, costFn);
    const lowest = measures(counts(this.tables, best), costFp, costFn).cost;
    this.part("said").textContent =
      `From ${threshold.toFixed(3)} on, ${found.tp + found.fp} sentences are called positive, ${found.tp} of them rightly; ${found.fn} positives are missed. ` +
      `The mistakes cost ${values.cost}; the cheapest threshold here is ${best.toFixed(3)}, at ${lowest}.`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
