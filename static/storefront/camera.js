// The door's camera: what it sees is read by the browser where it can (BarcodeDetector), else by a decoder that is
// loaded for it, so that Safari and desktops scan too. docs/decisions/0013-qr-reading.md says why this one.

const LOOK_MS = 250;
// A code at arm's length is large enough in so many pixels; more would only take longer.
const WIDEST = 800;
const FORMATS = { formats: ["qr_code"] };
const WHY_NOT = {
  NotAllowedError: "The camera is not allowed. Allow it for this page in the browser, then start it again; or type the code.",
  NotFoundError: "This device has no camera that can be used. Type the code instead.",
  NotReadableError: "Another program holds the camera. Close it, then start again; or type the code.",
};
let loading = null;

async function findReader() {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector(FORMATS);
    return (video) => detector.detect(video);
  }
  const { BarcodeDetector: Decoder } = await import("../vendor/qr/decode.js");
  const decoder = new Decoder(FORMATS);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return (video) => {
    const scale = Math.min(1, WIDEST / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    return decoder.detect(canvas);
  };
}

/** Load what reads codes; called early, so that it is there when the network is not. A failure may be tried again. */
export function loadReader() {
  loading ??= findReader().catch((problem) => {
    loading = null;
    throw problem;
  });
  return loading;
}

/** Whether this browser gives pages a camera: only those that came by https, or from this very machine. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Say for people why the camera did not start. */
export const whyNot = (problem) => WHY_NOT[problem.name] ?? "The camera cannot be used. Type the code instead.";

/** One camera at a time, shown in a video element; `seen(code)` is called for each look that finds one. */
export class Camera {
  #stream = null;

  constructor(video, { seen, ended }) {
    this.video = video;
    this.seen = seen;
    this.ended = ended;
  }

  get isOn() {
    return this.#stream !== null;
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  /** The id of the camera in use. */
  get deviceId() {
    return this.#track?.getSettings().deviceId ?? "";
  }

  /** Whether it has a light that can be switched. */
  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  /** Start the camera, the one on the back unless another is named. Rejects with what `whyNot` explains. */
  async start(deviceId = "") {
    const read = await loadReader();
    const choice = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...choice, width: { ideal: 1280 } } });
    this.stop();
    this.#stream = stream;
    // A phone takes the camera away when it is locked, or another app wants it.
    this.#track.addEventListener("ended", () => { if (this.#stream === stream) this.ended(); });
    this.video.srcObject = stream;
    await this.video.play();
    this.#look(read, stream);
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }

  /** The cameras of this device; their names are known once one was allowed. */
  async all() {
    return (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  }

  async light(isLit) {
    await this.#track?.applyConstraints({ advanced: [{ torch: isLit }] });
  }

  async #look(read, stream) {
    if (this.#stream !== stream) return;
    try {
      const [found] = await read(this.video);
      if (found && this.#stream === stream) this.seen(found.rawValue);
    } catch {
      // A frame that is not ready yet; the next one comes.
    }
    setTimeout(() => this.#look(read, stream), LOOK_MS);
  }
}
