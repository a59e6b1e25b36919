// What both figures compute from labels and scores, without a page.
const probability = (score) => 1 / (1 + Math.exp(-score));

// The stored numbers, with the probability of each sentence.
function readTables({ labels, scores }) {
  return { labels, probabilities: scores.map(probability) };
}

// How many sentences fall into each of the four boxes, if p >= threshold is called positive.
function counts({ labels, probabilities }, threshold) {
  const found = { tp: 0, fp: 0, fn: 0, tn: 0 };
  labels.forEach((label, i) => {
    const called = probabilities[i] >= threshold;
    found[called ? (label ? "tp" : "fp") : label ? "fn" : "tn"]++;
  });
  return found;
}

// The measures of four counts; null where there is nothing to divide by.
function measures({ tp, fp, fn, tn }, costFp, costFn) {
  const share = (part, whole) => (whole ? part / whole : null);
  return {
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    specificity: share(tn, tn + fp),
    f1: share(2 * tp, 2 * tp + fp + fn),
    accuracy: share(tp + tn, tp + fp + fn + tn),
    cost: costFp * fp + costFn * fn,
  };
}

// The first of some thresholds at which the mistakes cost least.
function cheapest(tables, thresholds, costFp, costFn) {
  let best = thresholds[0], lowest = Infinity;
  for (const threshold of thresholds) {
    const { cost } = measures(counts(tables, threshold), costFp, costFn);
    if (cost < lowest) [best, lowest] = [threshold, cost];
  }
  return best;
}

// Sentences of both labels in each of `bins` equal parts of 0 … 1.
function histogram({ labels, probabilities }, bins) {
  const found = [new Array(bins).fill(0), new Array(bins).fill(0)];
  labels.forEach((label, i) => found[label][Math.min(bins - 1, Math.floor(probabilities[i] * bins))]++);
  return found;
}

// The ROC curve: [false positive rate, true positive rate] from the highest threshold down.
function rocCurve(tables) {
  const thresholds = [...new Set(tables.probabilities)].sort((a, b) => b - a);
  return [[0, 0], ...thresholds.map((threshold) => {
    const { tp, fp, fn, tn } = counts(tables, threshold);
    return [fp / (fp + tn), tp / (tp + fn)];
  })];
}

const Q = 1.959964;

// Both 95 % intervals of a share.
function interval(hits, n, kind) {
  const p = hits / n;
  if (kind === "wald") {
    const half = Q * Math.sqrt((p * (1 - p)) / n);
    return [p - half, p + half];
  }
  const middle = p + Q ** 2 / (2 * n), below = 1 + Q ** 2 / n;
  const half = Q * Math.sqrt((p * (1 - p)) / n + Q ** 2 / (4 * n ** 2));
  return [(middle - half) / below, (middle + half) / below];
}

// Random numbers in 0 … 1, the same ones for the same seed (mulberry32).
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Which sentences are right at threshold ½: 1 or 0.
const rightOnes = ({ labels, probabilities }) =>
  labels.map((label, i) => Number((probabilities[i] >= 0.5 ? 1 : 0) === label));

// How many of n sentences, drawn with replacement, are right.
function drawHits(right, n, random) {
  let hits = 0;
  for (let i = 0; i < n; i++) hits += right[Math.floor(random() * right.length)];
  return hits;
}
