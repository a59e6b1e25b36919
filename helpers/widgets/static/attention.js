function start(figure, data) {
  figure.querySelector("#out").textContent = data.sentences.map((s) => s.text).join(" · ");
}
