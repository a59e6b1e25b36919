// The figure of the ball: what `descend` finds, drawn anew with every move.
const WIDE = 2.3, TALL = 5;
const across = (w) => 230 + (200 * w) / WIDE, height = (loss) => 262 - (244 * loss) / TALL;
const written = (number) => (Math.abs(number) < 1e5 ? signed(number, 3) : number.toExponential(1).replace("-", "\u2212").replace("+", ""));
const seen = (w) => Math.abs(w) <= WIDE;

class Figure {
  constructor(figure, { curves, steps }) {
    [this.curves, this.steps] = [curves, steps];
    this.part = (id) => figure.querySelector(`#${id}`);
    this.curve = () => curves[figure.querySelector("[name=curve]:checked").value];
    const slider = this.part("step"), said = this.part("said");
    const stop = player(this.part("play"), slider, () => this.draw());
    figure.addEventListener("input", ({ target }) => {
      stop();
      if (target !== slider) slider.value = steps;
      this.draw();
    });
    this.draw();
  }

  drawValley(coefficients, places, at) {
    const line = Array.from({ length: 139 }, (_, i) => -WIDE + (2 * WIDE * i) / 138).map((w) => [across(w), height(lossAt(coefficients, w))]);
    const shown = svg("svg", { x: 30, y: 6, width: 400, height: 256, viewBox: "30 6 400 256" }); // cuts off
    shown.append(svg("path", { class: "curve", d: through(line) }));
    const been = places.slice(0, at + 1), point = (w) => [across(w), height(lossAt(coefficients, w))];
    shown.append(svg("path", { class: "way", d: through(been.map(point)) }));
    for (const w of been.slice(0, -1).filter(seen)) {
      const [cx, cy] = point(w);
      shown.append(svg("circle", { class: "been", cx, cy, r: 4 }));
    }
    const nodes = [svg("path", { class: "axis", d: "M30 262H430" }), shown, svg("text", { x: 230, y: 296, "text-anchor": "middle" }, "weight w")];
    for (const tick of [-2, -1, 0, 1, 2]) nodes.push(svg("text", { x: across(tick), y: 280, "text-anchor": "middle" }, signed(tick, 0)));
    const here = been.at(-1), next = here - this.rate * slopeAt(coefficients, here), [cx, cy] = point(here);
    if (seen(here)) {
      const slope = slopeAt(coefficients, here), half = 0.45 / Math.hypot(1, slope * 0.6);
      const ends = [here - half, here + half].map((w) => [across(w), height(lossAt(coefficients, here) + slope * (w - here))]);
      shown.append(svg("line", { class: "slope", x1: ends[0][0], y1: ends[0][1], x2: ends[1][0], y2: ends[1][1] }));
      if (Math.abs(next - here) > 0.03) {
        const end = across(Math.max(-WIDE, Math.min(WIDE, next))), side = Math.sign(next - here);
        nodes.push(svg("path", { class: "next", d: `M${cx} 254H${end - 7 * side}` }),
          svg("path", { class: "tip", d: `M${end} 254l${-11 * side} -6v12z` }));
      }
      nodes.push(svg("circle", { class: "ball", cx, cy, r: 8 }));
    } else {
      const right = here > 0;
      nodes.push(svg("text", { x: right ? 426 : 34, y: 24, "text-anchor": right ? "end" : "start" }, right ? "the ball is out here →" : "← the ball is out here"));
    }
    this.part("valley").replaceChildren(...nodes);
  }

  drawLosses(coefficients, places, at) {
    const losses = places.map((w) => lossAt(coefficients, w)), top = Math.max(1, Math.ceil(1.3 * losses[0]));
    const x = (step) => 34 + (250 * step) / this.steps, y = (loss) => 190 - (176 * Math.min(loss, top)) / top;
    const nodes = [svg("path", { class: "axis", d: "M34 10V190H284" }),
      svg("path", { class: "way", d: through(losses.slice(0, at + 1).map((loss, step) => [x(step), y(loss)])) }),
      svg("circle", { class: "ball", cx: x(at), cy: y(losses[at]), r: 6 }),
      svg("text", { x: 159, y: 224, "text-anchor": "middle" }, "step")];
    for (const tick of [0, this.steps / 2, this.steps]) nodes.push(svg("text", { x: x(tick), y: 206, "text-anchor": "middle" }, tick));
    for (const tick of [0, top]) nodes.push(svg("text", { x: 28, y: y(tick) + 4, "text-anchor": "end" }, tick));
    if (losses.slice(0, at + 1).some((loss) => loss > top)) nodes.push(svg("text", { x: 280, y: 26, "text-anchor": "end" }, "above: off the scale"));
    this.part("losses").replaceChildren(...nodes);
  }

  draw() {
    const { coefficients } = this.curve(), start = Number(this.part("begin").value);
    this.rate = Number(this.part("rate").value);
    const places = descend(coefficients, start, this.rate, this.steps), asked = Number(this.part("step").value);
    const at = Math.min(asked, places.length - 1), w = places[at];
    this.part("rate-value").textContent = this.rate.toFixed(2);
    this.part("begin-value").textContent = signed(start, 1);
    this.part("step-value").textContent = `${asked} of ${this.steps}`;
    this.drawValley(coefficients, places, at);
    this.drawLosses(coefficients, places, at);
    const last = places.at(-1), arrived = this.curve().valleys.find(([place]) => Math.abs(place - last) < 0.1);
    const ends = {
      gone: `The steps are far too long: after ${places.length - 1} of them the ball is beyond ${LIMIT}, and we let it go.`,
      higher: "The steps are too long: in the end the loss is higher than at the start.",
      arrived: `In the end the ball has arrived at ${arrived?.[1] ?? "a place where the slope is almost 0"}.`,
      "to and fro": "The ball jumps from side to side, and in the end it has not come to rest.",
      "on its way": `It goes downhill, but ${this.steps} steps are too few: in the end it is still on its way.`,
    };
    const before = at < asked ? "The ball is gone. When we last saw it" : `After ${at} step${at === 1 ? "" : "s"}`;
    this.part("said").textContent = `${before}: w = ${written(w)}, loss ${written(lossAt(coefficients, w))}, ` +
      `slope ${written(slopeAt(coefficients, w))}. ${ends[verdict(coefficients, places)]}`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
