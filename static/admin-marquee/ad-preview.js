// Shows an ad's media at its aspect ratio while it is edited; a placeholder that says why where there is none.
const LONGEST_WAIT_MS = 15_000;
const preview = document.querySelector("#ad-preview");
const box = preview?.querySelector("[data-part=box]");
const words = preview?.querySelector("[data-part=words]");
let shown = "", waiting = null;

function typed(name, kept) {
  const field = document.querySelector(`#id_${name}`);
  return (field ? field.value : kept ?? "").trim();
}

function addressOf(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

// Browsers show pages of ours nothing that came without encryption, and a script is no picture.
function isShowable(address) {
  return address.protocol === "https:" || address.origin === location.origin;
}

function placeholder(text) {
  clearTimeout(waiting);
  box.replaceChildren(Object.assign(document.createElement("span"), { textContent: "No picture", ariaHidden: "true" }));
  box.dataset.state = "missing";
  words.textContent = text;
}

function mediumOf(address, kind) {
  if (kind === "VIDEO") {
    const video = document.createElement("video");
    Object.assign(video, { controls: true, muted: true, playsInline: true, preload: "metadata", ariaLabel: "Preview of the video" });
    video.addEventListener("loadedmetadata", () => arrived(video, video.videoWidth, video.videoHeight));
    video.src = address;
    return video;
  }
  const image = Object.assign(new Image(), { alt: "Preview of the ad", referrerPolicy: "no-referrer" });
  image.addEventListener("load", () => arrived(image, image.naturalWidth, image.naturalHeight));
  image.src = address;
  return image;
}

function arrived(medium, width, height) {
  if (!box.contains(medium)) return;
  clearTimeout(waiting);
  box.dataset.state = "shown";
  words.textContent = width ? `${width} × ${height} pixels, shown at ${box.dataset.ratio}.` : `Shown at ${box.dataset.ratio}.`;
}

function load(text, kind) {
  if (!text) return placeholder("No media address yet.");
  const address = addressOf(text);
  if (!address || !["http:", "https:"].includes(address.protocol)) return placeholder("This is not a web address.");
  if (!isShowable(address)) return placeholder("Browsers show no media that comes by http: give an https address.");
  const medium = mediumOf(address.href, kind);
  medium.addEventListener("error", () => {
    if (box.contains(medium)) placeholder("The media cannot be loaded: viewers would see nothing.");
  });
  clearTimeout(waiting);
  waiting = setTimeout(() => placeholder("The media did not answer in time."), LONGEST_WAIT_MS);
  box.dataset.state = "loading";
  box.replaceChildren(medium);
  words.textContent = "Loading the preview...";
}

function fit(ratio) {
  const [, width, height] = /^([1-9]\d{0,3}):([1-9]\d{0,3})$/.exec(ratio) ?? [null, "16", "9"];
  box.style.setProperty("--mq-wide", width);
  box.style.setProperty("--mq-high", height);
  box.dataset.ratio = `${width}:${height}`;
}

function show() {
  const url = typed("media_url", preview.dataset.url), kind = typed("content_type", preview.dataset.kind);
  fit(typed("aspect_ratio", preview.dataset.ratio));
  if (shown === `${kind} ${url}`) return;
  shown = `${kind} ${url}`;
  load(url, kind);
}

if (preview) {
  for (const name of ["media_url", "content_type", "aspect_ratio"]) {
    document.querySelector(`#id_${name}`)?.addEventListener("change", show);
  }
  show();
}
