// From a conversation to tokens and labels, as the chat template and the training loop make them.
// It knows no page: tests run it alone.
const START = "<|im_start|>", END = "<|im_end|>", IGNORED = -100;
const lengthOf = (text) => new TextEncoder().encode(text).length;

// The text of the chat, and for each message where it starts and where its content is, in bytes.
function render(tables, messages, mode) {
  const parts = [];
  let text = "";
  if (messages[0].role !== "system") {
    parts.push({ role: "system", inserted: true, start: 0, from: 0, to: 0, trainedTo: 0 });
    text = tables.opening;
  }
  for (const { role, content } of messages) {
    const written = withoutHalves(content), start = lengthOf(text);
    text += `${START}${role}\n`;
    const from = lengthOf(text), to = from + lengthOf(written);
    const close = mode === "endless" && role === "assistant" ? "" : END;
    text += `${written}${close}\n`;
    // Trained are an answer and the end token right after it, if there is one.
    const trainedTo = role === "assistant" ? to + close.length : from;
    parts.push({ role, inserted: false, start, from, to, trainedTo });
  }
  return { text, parts };
}

// Each token: its id, the message it belongs to, whether somebody typed a special token, its label.
function labelled(tables, messages, mode) {
  const { text, parts } = render(tables, messages, mode);
  const end = tables.special.indexOf(END);
  return tokenize(tables, text).flatMap(({ ids, starts, ends, special }) => ids.map((id, n) => {
    const message = parts.findLastIndex((part) => part.start <= starts[n]);
    const { from, to, trainedTo } = parts[message];
    const answer = trainedTo > from && ends[n] > from && starts[n] < trainedTo;
    const isKept = mode === "everything" || (answer && !(mode === "padded" && id === end));
    const typed = special && starts[n] >= from && starts[n] < to;
    return { id, message, special, typed, label: isKept ? id : IGNORED };
  }));
}

// Each position: the token that the model reads, the one it is to predict there and the label of
// this prediction. The model shifts the labels by one; where the caller has done so already, they
// are shifted by two, and the caller has left out the last token.
function positions(tables, messages, mode) {
  const tokens = labelled(tables, messages, mode), shift = mode === "twice" ? 2 : 1;
  const read = mode === "twice" ? tokens.slice(0, -1) : tokens;
  return read.map((token, n) => {
    const target = tokens[n + shift];
    return { ...token, target: target?.id ?? null, label: target?.label ?? null };
  });
}
