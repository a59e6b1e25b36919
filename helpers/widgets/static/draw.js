// What the figures of calibration, descent and replay share: nodes, choices, a table of measures.
const svg = (name, attributes, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};

// A line through points [x, y], as the `d` of a path.
const through = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`;

// Rows of a table: the first of each is its head.
const tableRows = (rows) => rows.map((cells) => {
  const row = document.createElement("tr");
  cells.forEach((content, i) => {
    const cell = document.createElement(i ? "td" : "th");
    if (!i) cell.scope = "row";
    cell.textContent = content;
    row.append(cell);
  });
  return row;
});

// A number with a minus, which is no hyphen and stands before no zero.
const signed = (number, digits) => number.toFixed(digits).replace(/^-(?=[0.]+$)/, "").replace("-", "\u2212");

// Moves a slider on, four times a second, until it is at its end or the button is pressed again.
function player(button, slider, draw) {
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (slider.value === slider.max) slider.value = slider.min;
    button.textContent = "Stop";
    draw();
    timer = setInterval(() => {
      slider.stepUp();
      draw();
      if (slider.value === slider.max) stop();
    }, 250);
  });
  return stop;
}
