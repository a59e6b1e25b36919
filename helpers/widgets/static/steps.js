// Where a recorded run is after a number of steps, without a page.

// The learning rate of a step, counted from 0: up in a straight line, then down to 0.
function rateAt(step, steps, { rate, warmup }) {
  const up = Math.ceil(warmup * steps);
  return step < up ? (rate * step) / up : (rate * (steps - step)) / Math.max(1, steps - up);
}

// What the run did in its last step, and what is known after it; of step 0, what was before.
function after(run, step) {
  const perEpoch = run.steps.length / run.epochs.length, ended = Math.floor(step / perEpoch);
  const done = run.epochs.slice(0, ended), least = Math.min(...done.map((row) => row.validation_loss));
  const known = {
    step, ended, measured: done.at(-1) ?? null, endsEpoch: step > 0 && step % perEpoch === 0,
    best: done.findIndex((row) => row.validation_loss === least) + 1,
  };
  if (!step) return { ...known, probabilities: run.before };
  const [loss, row, ...probabilities] = run.steps[step - 1], [text, label] = run.texts[row];
  return {
    ...known, loss, text, label, probabilities, perEpoch,
    epoch: Math.ceil(step / perEpoch), batch: ((step - 1) % perEpoch) + 1,
    rate: rateAt(step - 1, run.steps.length, run),
  };
}
