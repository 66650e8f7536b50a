// The camera of the browser, for ferkit/workbook/explorers/camera.py. Pictures travel as messages,
// never as state of the widget, so they are not saved with the notebook.

const FRAMES_A_SECOND = 5;
const WIDTH = 640; // pixels of a picture that is sent
const QUALITY = 0.9; // of its JPEG

function make(tag, properties, parent) {
  return parent.appendChild(Object.assign(document.createElement(tag), properties));
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function render({ model, el }) {
  const seconds = model.get("seconds");
  const label = make("label", {}, el);
  label.style.lineHeight = "1.4";
  const consent = make("input", { type: "checkbox", className: "ferkit-consent" }, label);
  make("span", { textContent: " " + model.get("consent_text") }, label);
  const buttons = make("div", {}, el);
  buttons.style.cssText = "display: flex; flex-wrap: wrap; gap: 4px; margin: 4px 0";
  const start = make("button", { textContent: "start the camera", disabled: true }, buttons);
  const once = make("button", { textContent: "take a picture", disabled: true }, buttons);
  const watch = make("button", { textContent: `watch for ${seconds} seconds`, disabled: true }, buttons);
  const stop = make("button", { textContent: "stop the camera", disabled: true }, buttons);
  for (const button of [start, once, watch, stop]) button.className = "jupyter-button";
  const status = make("div", { className: "ferkit-camera-status" }, el);
  status.setAttribute("role", "status");
  const video = make("video", { muted: true, playsInline: true, hidden: true }, el);
  video.style.maxWidth = "100%";
  video.style.width = "320px";
  const canvas = document.createElement("canvas");
  let stream = null;
  let received = () => {};
  let clip = 0;

  function offer(isBusy) {
    start.disabled = isBusy || stream !== null || !consent.checked;
    once.disabled = watch.disabled = isBusy || stream === null;
    stop.disabled = stream === null;
    video.hidden = stream === null;
  }

  function halt() {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = null;
    video.srcObject = null;
    offer(false);
  }

  async function send(time) {
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    const answer = new Promise((resolve) => (received = resolve));
    model.send({ kind: "frame", clip, time }, undefined, [await blob.arrayBuffer()]);
    await answer; // one picture at a time, however slow the connection is
  }

  async function record(duration) {
    offer(true);
    clip += 1;
    const begin = performance.now();
    let time = 0;
    do {
      await send(time);
      await pause(Math.max(0, begin + 1000 * time + 1000 / FRAMES_A_SECOND - performance.now()));
      time = (performance.now() - begin) / 1000;
    } while (stream && time < duration);
    status.textContent = "looking for faces ...";
    model.send({ kind: "end", clip });
  }

  consent.addEventListener("change", () => (consent.checked ? offer(false) : halt()));
  start.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      video.srcObject = stream;
      await video.play();
      status.textContent = "the camera is on";
    } catch (error) {
      stream = null;
      status.textContent = `no camera: ${error.message ?? error}. A browser gives its camera only to
        pages of this computer (localhost) and of https addresses, and only if you allow it.`;
    }
    offer(false);
  });
  once.addEventListener("click", () => record(0));
  watch.addEventListener("click", () => record(seconds));
  stop.addEventListener("click", () => {
    halt();
    status.textContent = "the camera is off";
  });
  function answer(message) {
    if (message.kind === "received") received();
    if (message.kind === "done") {
      status.textContent = message.text;
      offer(false);
    }
  }
  model.on("msg:custom", answer);
  return () => {
    model.off("msg:custom", answer);
    halt();
  };
}

export default { render };
