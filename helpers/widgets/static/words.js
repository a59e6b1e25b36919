// The figure of the words: recorded probabilities of every subset, and scores by each method.
const WAYS = { mask: "[MASK] stands in its place", delete: "is deleted" };

// A subset has bit i set if word i is there.
const subset = (count, removed) => 2 ** count - 1 - removed.reduce((sum, i) => sum + 2 ** i, 0);

// The probability of positive without some words.
const probability = (sentence, way, removed) =>
  sentence[way][subset(sentence.text.split(" ").length, removed)] / 1000;

// The number of the word with the highest score of those that are still there; −1 if none is.
function highest(scores, removed) {
  const there = scores.map((_, i) => i).filter((i) => !removed.includes(i));
  return there.reduce((best, i) => (best < 0 || scores[i] > scores[best] ? i : best), -1);
}

const percent = (share) => `${(100 * share).toFixed(0)}\u00a0%`;
const written = (score) => score.toPrecision(2).replace("-", "\u2212");

function option(type, name, value, label, ...inside) {
  const node = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type, name, value, className: "unseen" });
  if (label) input.setAttribute("aria-label", label);
  node.append(input, ...inside);
  return node;
}

const span = (text, kind = "") => Object.assign(document.createElement("span"), { textContent: text, className: kind });

class Figure {
  constructor(figure, data) {
    this.part = (id) => figure.querySelector(`#${id}`);
    this.sentences = data.sentences;
    this.methods = Object.keys(data.sentences[0].scores);
    this.state = { sentence: 0, method: this.methods.indexOf("leave one out"), way: "mask", removed: [] };
    this.sentences.forEach(({ text, label }, i) =>
      this.part("sentence").append(new Option(`${text} (${label ? "positive" : "negative"})`, i)));
    this.methods.forEach((name, i) => this.part("methods").append(option("radio", "method", i, "", span(name))));
    Object.entries(WAYS).forEach(([way, words]) => this.part("ways").append(option("radio", "way", way, "", span(words))));
    figure.addEventListener("change", ({ target }) => this.choose(target));
    this.part("top").addEventListener("click", () => {
      const best = highest(this.scores(), this.state.removed);
      if (best >= 0) this.go([...this.state.removed, best]);
    });
    this.part("all").addEventListener("click", () => this.go([]));
    this.newSentence();
  }

  own() {
    return this.sentences[this.state.sentence];
  }

  scores() {
    return this.own().scores[this.methods[this.state.method]];
  }

  choose(target) {
    if (target.id === "sentence") {
      this.state.sentence = Number(target.value);
      this.state.removed = [];
      return this.newSentence();
    }
    if (target.name === "method") this.state.method = Number(target.value);
    if (target.name === "way") this.state.way = target.value;
    if (target.name === "word") {
      const i = Number(target.value), { removed } = this.state;
      this.state.removed = target.checked ? [...removed, i] : removed.filter((other) => other !== i);
    }
    this.draw();
  }

  go(removed) {
    this.state.removed = removed;
    this.draw();
  }

  newSentence() {
    this.part("words").replaceChildren(...this.own().text.split(" ").map((word, i) => {
      const node = option("checkbox", "word", i, `remove “${word}”`, span(word), span("", "score"));
      node.className = "word";
      return node;
    }));
    this.draw();
  }

  draw() {
    const { method, way, removed } = this.state, scores = this.scores();
    const most = Math.max(...scores.map(Math.abs)) || 1;
    document.getElementsByName("method").forEach((input) => { input.checked = Number(input.value) === method; });
    document.getElementsByName("way").forEach((input) => { input.checked = input.value === way; });
    [...this.part("words").children].forEach((node, i) => {
      node.firstChild.checked = removed.includes(i);
      const tone = scores[i] >= 0 ? "--for" : "--against";
      node.children[1].style.background = `rgb(var(${tone}) / ${(0.5 * Math.abs(scores[i])) / most})`;
      node.lastChild.textContent = written(scores[i]);
    });
    this.say(way, removed);
  }

  say(way, removed) {
    const whole = probability(this.own(), way, []), now = probability(this.own(), way, removed);
    const words = this.own().text.split(" "), gone = removed.map((i) => `“${words[i]}”`).join(", ");
    const answer = (p) => (p >= 0.5 ? "positive" : "negative");
    this.part("said").textContent = removed.length
      ? `Without ${gone}: ${percent(now)} positive, before ${percent(whole)}. ` +
        (answer(now) === answer(whole) ? `The answer is still “${answer(now)}”.` : `The answer turns to “${answer(now)}”.`)
      : `The whole sentence: ${percent(whole)} positive, so the answer is “${answer(whole)}”.`;
    this.part("filled").style.width = `${100 * now}%`;
  }
}

function start(figure, data) {
  new Figure(figure, data);
}
