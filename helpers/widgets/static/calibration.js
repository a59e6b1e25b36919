// What a temperature does to recorded scores (z1 - z0), without a page. Needs scores.js.

// The probabilities of positive: the softmax of both logits, each divided by the temperature.
const warmed = (scores, temperature) => scores.map((score) => probability(score / temperature));

// The bins of a reliability diagram that are not empty; an edge belongs to the bin below it.
function reliability(labels, probabilities, bins) {
  const found = Array.from({ length: bins }, (_, bin) => ({ bin, n: 0, said: 0, happened: 0 }));
  const edges = Array.from({ length: bins - 1 }, (_, i) => (i + 1) * (1 / bins));
  probabilities.forEach((p, i) => {
    const row = found[edges.filter((edge) => edge < p).length];
    row.n++;
    row.said += p;
    row.happened += labels[i];
  });
  return found.filter(({ n }) => n).map(({ bin, n, said, happened }) =>
    ({ bin, n, said: said / n, happened: happened / n, hits: happened }));
}

// The expected calibration error: mean distance of both columns, weighted by the sentences.
function calibrationError(table) {
  const all = table.reduce((sum, { n }) => sum + n, 0);
  return table.reduce((sum, { n, said, happened }) => sum + (n / all) * Math.abs(said - happened), 0);
}

// The cross-entropy of one label: -ln softmax, written so that no large score overflows.
const surprise = (margin) => (margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin);
const mean = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length;

// Four measures of the scores at a temperature.
function judge(labels, scores, temperature, bins) {
  const probabilities = warmed(scores, temperature);
  return {
    accuracy: mean(labels.map((label, i) => Number((probabilities[i] >= 0.5 ? 1 : 0) === label))),
    ece: calibrationError(reliability(labels, probabilities, bins)),
    brier: mean(labels.map((label, i) => (probabilities[i] - label) ** 2)),
    nll: mean(labels.map((label, i) => surprise((label ? scores[i] : -scores[i]) / temperature))),
  };
}

// The first of some temperatures at which a measure is lowest.
function lowest(curve, measure) {
  return curve.reduce((best, here) => (here[measure] < best[measure] ? here : best)).temperature;
}
