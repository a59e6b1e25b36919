function start(figure, data) {
  const tables = readTables(data);
  const text = figure.querySelector("#text"), out = figure.querySelector("#out");
  const draw = () => {
    const found = tokenize(tables, text.value);
    out.textContent = ["[CLS]", ...found.flatMap((word) => word.pieces), "[SEP]"].join(" ");
  };
  text.addEventListener("input", draw);
  draw();
}
