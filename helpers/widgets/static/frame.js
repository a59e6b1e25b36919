// Starts the figure once its data are unpacked, and tells the frame around it how tall it is.
async function unpack() {
  const packed = atob(document.getElementById("data").textContent.trim());
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function tellHeight() {
  parent.postMessage({ height: document.documentElement.getBoundingClientRect().height }, "*");
}

unpack().then((data) => {
  const figure = document.getElementById("figure");
  figure.hidden = false;
  document.getElementById("in-words").remove();
  start(figure, data);
  addEventListener("message", ({ data }) => {
    if (data === "height") tellHeight();
    if (data === "light" || data === "dark") {
      document.documentElement.dataset.scheme = data;
      dispatchEvent(new Event("scheme"));
    }
  });
  parent.postMessage({ ready: true }, "*");
  new ResizeObserver(tellHeight).observe(document.documentElement);
});
