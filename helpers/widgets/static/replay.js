// The figure of the replay: what `after` finds for a step, drawn anew with every move.
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;
const made = (name, text, parent) => {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
};
const LINES = ["forward", "loss", "backward", "step", "zero"];

class Figure {
  constructor(figure, run) {
    [this.run, this.steps] = [run, run.steps.length];
    this.part = (id) => figure.querySelector(`#${id}`);
    const slider = this.part("step"), stop = player(this.part("play"), slider, () => this.draw());
    figure.addEventListener("input", () => {
      stop();
      this.draw();
    });
    this.part("next").addEventListener("click", () => {
      stop();
      const perEpoch = this.steps / run.epochs.length;
      slider.value = (Math.floor(slider.value / perEpoch) + 1) * perEpoch;
      this.draw();
    });
    this.draw();
  }

  // What each of the five lines of the loop did in this step.
  drawLines({ step, loss, text, label, rate, epoch, batch, perEpoch }) {
    const names = this.run.names, done = step && {
      forward: `the model reads ${this.run.size} sentences, among them “${text}” (${names[label]}).`,
      loss: `${loss.toFixed(3)} on this batch. A model that says 50 : 50 has ${Math.LN2.toFixed(3)}.`,
      backward: "every weight gets its gradient.",
      step: rate ? `AdamW moves the weights, at a learning rate of ${rate.toExponential(1)}.` : "the warm-up begins at a learning rate of 0, so no weight moves yet.",
      zero: "the gradients are deleted.",
    };
    this.part("title").textContent = step ? `Epoch ${epoch}, batch ${batch} of ${perEpoch}` : "Before the first step";
    this.part("lines").replaceChildren(...(step ? LINES : []).map((name) => {
      const line = made("li");
      made("b", `${name[0].toUpperCase()}${name.slice(1)}: `, line);
      line.append(done[name]);
      return line;
    }));
  }

  drawLosses({ step, ended }) {
    const x = (at) => 34 + (410 * at) / this.steps, y = (loss) => 208 - (196 * loss) / 1.2;
    const batches = this.run.steps.map(([loss], i) => [x(i + 1), y(loss)]), perEpoch = this.steps / this.run.epochs.length;
    const valid = this.run.epochs.slice(0, ended).map((row) => [x(row.epoch * perEpoch), y(row.validation_loss)]);
    const nodes = [svg("path", { class: "axis", d: "M34 12V208H444" }), svg("path", { class: "guess", d: `M34 ${y(Math.LN2)}H444` }),
      svg("text", { x: 444, y: y(Math.LN2) - 5, "text-anchor": "end" }, "50 : 50"), svg("path", { class: "rest", d: through(batches) })];
    if (step) nodes.push(svg("path", { class: "batch", d: through(batches.slice(0, step)) }));
    if (ended) nodes.push(svg("path", { class: "valid", d: through(valid) }));
    for (const [cx, cy] of valid) nodes.push(svg("rect", { class: "square", x: cx - 4, y: cy - 4, width: 8, height: 8 }));
    if (step) nodes.push(svg("circle", { class: "dot", cx: batches[step - 1][0], cy: batches[step - 1][1], r: 6 }));
    for (const tick of [0, 20, 40, 60, 80]) nodes.push(svg("text", { x: x(tick), y: 226, "text-anchor": "middle" }, tick));
    for (const tick of [0, 0.5, 1]) nodes.push(svg("text", { x: 28, y: y(tick) + 4, "text-anchor": "end" }, tick));
    nodes.push(svg("text", { x: 239, y: 246, "text-anchor": "middle" }, "step"));
    this.part("losses").replaceChildren(...nodes);
  }

  drawAccuracy({ ended }) {
    const count = this.run.epochs.length, x = (epoch) => 40 + (240 * epoch) / count, y = (share) => 198 - (186 * (share - 0.4)) / 0.4;
    const points = this.run.epochs.slice(0, ended).map((row) => [x(row.epoch), y(row.accuracy)]);
    const nodes = [svg("path", { class: "axis", d: "M40 12V198H280" }), svg("path", { class: "guess", d: `M40 ${y(0.5)}H280` })];
    if (ended) nodes.push(svg("path", { class: "valid", d: through(points) }));
    for (const [cx, cy] of points) nodes.push(svg("rect", { class: "square", x: cx - 4, y: cy - 4, width: 8, height: 8 }));
    for (const tick of [0, count / 2, count]) nodes.push(svg("text", { x: x(tick), y: 216, "text-anchor": "middle" }, tick));
    for (const tick of [0.4, 0.6, 0.8]) nodes.push(svg("text", { x: 34, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)));
    nodes.push(svg("text", { x: 160, y: 236, "text-anchor": "middle" }, "epoch"));
    this.part("accuracy").replaceChildren(...nodes);
  }

  drawWatched({ probabilities }) {
    this.part("watched").replaceChildren(...this.run.watched.map(([text, label], i) => {
      const row = made("tr"), share = probabilities[i], right = (share >= 0.5 ? 1 : 0) === label;
      made("td", `${text} (${this.run.names[label]})`, row);
      const cell = made("td", `${percent(share)}, ${right ? "right" : "wrong"}`, row);
      cell.className = right ? "said" : "said wrong";
      const bar = made("span", undefined, cell);
      bar.className = "bar";
      made("i", undefined, bar).style.width = `${100 * share}%`;
      return row;
    }));
  }

  draw() {
    const now = after(this.run, Number(this.part("step").value)), { measured } = now;
    this.part("step-value").textContent = `${now.step} of ${this.steps}`;
    this.part("next").disabled = now.step === this.steps;
    this.drawLines(now);
    this.drawLosses(now);
    this.drawAccuracy(now);
    this.drawWatched(now);
    const figures = measured && `loss ${measured.validation_loss.toFixed(3)}, accuracy ${percent(measured.accuracy, 1)}`;
    const best = now.best === now.ended ? " No epoch so far had a lower loss." : ` The lowest loss so far was in epoch ${now.best}.`;
    this.part("said").textContent = now.endsEpoch
      ? `Epoch ${now.ended} is over. The model is measured on all ${this.run.validation} validation sentences: ${figures}.${best}`
      : measured ? `At the end of epoch ${now.ended}, the validation part gave: ${figures}.${best}`
        : "The validation part is measured at the end of each epoch, so there is nothing to see yet.";
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
