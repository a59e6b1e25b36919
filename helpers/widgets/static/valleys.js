// Gradient descent on curves of one weight, without a page. A curve is its coefficients c0, c1, ….
const LIMIT = 100; // further out than this the ball is gone

const lossAt = (coefficients, w) => coefficients.reduceRight((sum, c) => sum * w + c, 0);
const slopeAt = (coefficients, w) => coefficients.reduceRight((sum, c, power) => (power ? sum * w + power * c : sum), 0);

// Where the ball is after 0, 1, 2, … steps; fewer than `steps` if it is gone.
function descend(coefficients, start, rate, steps) {
  const places = [start];
  while (places.length <= steps && Math.abs(places.at(-1)) <= LIMIT) {
    const w = places.at(-1);
    places.push(w - rate * slopeAt(coefficients, w));
  }
  return places;
}

// What became of it: "gone", "arrived", "higher", "to and fro" or "on its way".
function verdict(coefficients, places) {
  const last = places.at(-1), slopes = places.slice(-2).map((w) => slopeAt(coefficients, w));
  if (Math.abs(last) > LIMIT) return "gone";
  if (Math.abs(slopes.at(-1)) < 0.05) return "arrived";
  if (lossAt(coefficients, last) > lossAt(coefficients, places[0])) return "higher";
  return slopes.length > 1 && slopes[0] * slopes[1] < 0 ? "to and fro" : "on its way";
}
