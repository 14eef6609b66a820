// The user interface. All that takes time is in worker.js.

const $ = (id) => document.getElementById(id);
const engine = new URLSearchParams(location.search).get("engine") ?? "auto";

// ---- The worker ----

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let asked = 0;

/** Asks the worker; its refusals come as errors with a kind. */
function ask(call, args = {}) {
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject });
    worker.postMessage({ id: asked, call, args });
  });
}

worker.onmessage = ({ data }) => {
  if (data.description) return describe(data.description);
  if (data.progress !== undefined) return ($("progress").value = data.progress);
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error) reject(Object.assign(new Error(data.error.message), { kind: data.error.kind }));
  else resolve(data.result);
};
worker.onerror = () => fail(new Error("This browser is too old for this page, or blocks what it needs."));

// ---- What is shown ----

let model; // model.json
let photo; // {name, faces: [{source, strengths: Map from attribute to a number above 0, notes}], chosen}
let unedited; // the photo's picture, which the mask branch's view hides
let refused; // the photo that was not opened
let photosOpened = 0;

function busy(text) {
  $("busy").hidden = !text;
  $("busy-text").textContent = text ?? "";
  document.body.dataset.busy = text ?? "";
}

function say(text) {
  $("status").textContent = text;
}

function fail(error) {
  const words = {
    unexpected: `Something went wrong: ${error.message}`,
    "no-face": `${error.message} It may be too small, turned away, or covered.`,
  };
  $("error").hidden = false;
  $("error").firstElementChild.textContent = words[error.kind ?? "unexpected"] ?? error.message;
  $("middle").hidden = error.kind !== "no-face";
  $("controls").inert = false;
  busy();
}

function describe(description) {
  model = description;
  document.title = $("title").textContent = model.title;
  const about = [`Model ${model.provenance.model}`, model.trained_on && `trained on ${model.trained_on}`, model.license && `license ${model.license}`];
  $("about").textContent = about.filter(Boolean).join(" · ");
  $("promise").lastElementChild.textContent = model.server
    ? "Photos are sent to this server, which edits them and keeps them in memory for a while."
    : "Your photo stays on this device.";
  $("promise").hidden = false;
  $("promise").classList.toggle("sent", Boolean(model.server));
  $("kind-of-photo").textContent = kindOfPhoto();
  $("exact-option").hidden = $("masks-option").hidden = !model.mask_branch;
  const examples = Object.keys(model.files).filter((name) => name.startsWith("examples/"));
  $("examples").hidden = !examples.length;
  $("examples").lastElementChild.replaceChildren(
    ...examples.map((name, i) => {
      const item = document.createElement("li"), button = document.createElement("button"), image = new Image();
      button.type = "button";
      image.src = name;
      image.alt = `Example ${i + 1}`;
      button.append(image);
      button.onclick = async () => open(await (await fetch(name)).blob(), name.split("/").pop());
      item.append(button);
      return item;
    }),
  );
}

function kindOfPhoto() {
  if (model.detector) return "Any photo with a face will do.";
  if (model.trained_on === "drawn faces") return "This model knows drawn faces, upright and filling a square picture. It does not edit portraits.";
  if (model.layout) {
    const { width, height } = model.layout.size;
    return `This page finds no faces: photos must be aligned as the model’s own are, ${width} × ${height} pixels or of that shape.`;
  }
  return "The model edits the middle of the photo, which should be like the photos that it was trained on.";
}

// ---- Opening a photo ----

async function open(blob, name, middle = false) {
  if (!blob) return;
  $("error").hidden = $("notes").hidden = true;
  say("");
  const number = ++photosOpened;
  $("controls").inert = true; // what is asked now would be asked of the new photo
  busy(document.body.dataset.ready ? (model.detector ? "Looking for faces" : "Opening the photo") : "Waiting for the model");
  try {
    const opened = await ask("open", { blob, middle });
    if (number !== photosOpened) return;
    photo = { name: name.replace(/\.[^.]*$/, "") || "photo", notes: opened.notes, boxes: opened.faces, faces: [], chosen: 0 };
    show(opened);
    await choose(0);
    $("controls").inert = false;
    say(opened.faces.length > 1 ? `${opened.faces.length} faces found; the largest is chosen.` : "The photo is ready to be edited.");
    busy();
  } catch (error) {
    if (number !== photosOpened) return;
    refused = { blob, name }; // what was open before can still be edited
    fail(error);
  }
}

/** A new photo, before any edit. */
function show({ picture, faces }) {
  unedited = picture;
  for (const id of ["before", "after"]) paint($(id), picture);
  const { width, height } = picture;
  $("comparison").style.aspectRatio = `${width} / ${height}`;
  $("comparison").style.setProperty("--shape", width / height);
  $("invitation").hidden = true;
  for (const id of ["comparison", "controls"]) $(id).hidden = false;
  for (const id of ["stage", "drop"]) $(id).classList.add("has-photo");
  divide(0);
  $("faces").hidden = faces.length < 2;
  $("faces").querySelector(".faces").replaceChildren(...(faces.length < 2 ? [] : faces.map((box, i) => faceChoice(box, i))));
  $("boxes").className = "fresh"; // until something is edited
  $("boxes").replaceChildren(
    ...(faces.length < 2 ? [] : faces).map(({ left, top, right, bottom }) => {
      const box = document.createElement("i");
      Object.assign(box.style, {
        left: `${(100 * left) / width}%`,
        top: `${(100 * top) / height}%`,
        width: `${(100 * (right - left)) / width}%`,
        height: `${(100 * (bottom - top)) / height}%`,
      });
      return box;
    }),
  );
}

function paint(canvas, { width, height, data }) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
}

function faceChoice({ left, top, right, bottom }, i) {
  const label = document.createElement("label"), radio = document.createElement("input"), canvas = document.createElement("canvas");
  Object.assign(radio, { type: "radio", name: "face", value: i, checked: i === 0 });
  radio.setAttribute("aria-label", `Face ${i + 1} of ${photo.boxes.length}${i === 0 ? ", the largest" : ""}`);
  radio.onchange = async () => {
    busy("Looking at the face");
    await choose(i).catch(fail);
    busy();
  };
  canvas.width = canvas.height = 112;
  const side = Math.max(right - left, bottom - top) * 1.3;
  canvas.getContext("2d").drawImage($("before"), (left + right - side) / 2, (top + bottom - side) / 2, side, side, 0, 0, 112, 112);
  label.append(radio, canvas);
  return label;
}

/** The face that the sliders are for. */
async function choose(i) {
  const { faces } = photo;
  if (!faces[i]) {
    const { source, notes } = await ask("look", { face: i });
    if (photo.faces !== faces) return; // another photo came
    faces[i] = { source: source ?? model.attributes.map(() => false), known: source !== null, strengths: new Map(), notes };
  }
  photo.chosen = i;
  const face = faces[i];
  [...$("boxes").children].forEach((box, at) => box.classList.toggle("chosen", at === i));
  const notes = [...photo.notes, ...face.notes];
  if (!face.known) notes.push("This model cannot see what the photo shows: mark it below.");
  $("notes").hidden = !notes.length;
  $("notes").replaceChildren(...notes.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  $("attributes").replaceChildren(...model.attributes.map((attribute, place) => row(attribute, place)));
  refresh();
}

// ---- Attributes ----

const face = () => photo.faces[photo.chosen];
const signed = (strength, place) => (face().source[place] ? -strength : strength);
const written = (value) => (value === 0 ? "0" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2).replace(/0$/, "")}`);

function row({ label }, place) {
  const out = document.createElement("div");
  out.className = "attribute";
  out.innerHTML = `<label for="slider-${place}"></label>
    <span class="shown"><input type="checkbox" id="shown-${place}"><label for="shown-${place}">in photo</label></span>
    <span class="number" aria-hidden="true"></span>
    <input type="range" id="slider-${place}" min="0" max="2" step="0.05">
    <p class="tied" id="tied-${place}" hidden></p>`;
  out.firstElementChild.textContent = label;
  const slider = out.querySelector("[type=range]"), shown = out.querySelector("[type=checkbox]");
  slider.setAttribute("aria-describedby", `tied-${place}`);
  shown.setAttribute("aria-label", `${label} is in the photo`);
  slider.oninput = () => set(place, Number(slider.value));
  shown.onchange = () => {
    face().source[place] = shown.checked;
    face().strengths.delete(place);
    changed();
  };
  return out;
}

/** Moves a slider; what it excludes and was to be added is let go. */
function set(place, strength) {
  const { strengths } = face(), tied = followed(place) !== undefined;
  if (strength || tied) strengths.set(place, strength);
  else strengths.delete(place);
  if (signed(strength, place) > 0) {
    for (const other of model.attributes[place].excludes) if (signed(strengths.get(other) ?? 0, other) > 0) strengths.delete(other);
  }
  changed();
}

/** The attribute whose addition takes this one away, as both cannot be. */
function followed(place) {
  const { source, strengths } = face();
  if (!source[place]) return undefined;
  return model.attributes[place].excludes.find((other) => signed(strengths.get(other) ?? 0, other) > 0);
}

function refresh() {
  const { source, strengths } = face();
  model.attributes.forEach(({ label }, place) => {
    const own = strengths.get(place), by = own === undefined ? followed(place) : undefined;
    const strength = own ?? (by === undefined ? 0 : strengths.get(by)), value = signed(strength, place);
    const slider = $(`slider-${place}`), row = slider.parentElement;
    slider.value = strength;
    slider.setAttribute("aria-valuetext", `${written(value)}${value > 0 ? ", added" : value < 0 ? ", removed" : source[place] ? ", to be removed" : ", to be added"}`);
    row.querySelector(".number").textContent = written(value);
    row.classList.toggle("set", value !== 0);
    $(`shown-${place}`).checked = source[place];
    $(`tied-${place}`).hidden = by === undefined;
    $(`tied-${place}`).textContent = by === undefined ? "" : `goes where ${model.attributes[by].label.toLowerCase()} comes`;
    row.querySelector("label").textContent = label;
  });
  $("reset").disabled = !photo.faces.some(({ strengths }) => strengths.size);
  $("save-png").disabled = $("save-jpeg").disabled = !edits().some(({ edits }) => edits.length);
}

/** What every face is asked for. */
function edits() {
  const list = photo.faces.flatMap((one, i) => (one ? [[one, i]] : []));
  return list.map(([{ source, strengths }, i]) => ({
    face: i,
    source,
    edits: [...strengths].map(([place, strength]) => ({ name: model.attributes[place].name, strength: (source[place] ? -strength : strength) || 0 })),
  }));
}

// ---- Editing: one edit at a time, always the latest ----

let editing = false, stale = false, spoken;

function changed() {
  refresh();
  $("boxes").className = "";
  stale = true;
  if (!editing) edit();
}

async function edit() {
  editing = true;
  while (stale) {
    stale = false;
    const number = photosOpened, slow = setTimeout(() => busy("Editing"), 250);
    document.body.dataset.busy = "Editing";
    try {
      const { picture, masks, milliseconds } = await ask("edit", { faces: edits(), exact: $("exact").checked, masks: $("masks").checked });
      if (number !== photosOpened) continue;
      $("error").hidden = true;
      showEdit(picture, masks);
      document.body.dataset.milliseconds = milliseconds;
    } catch (error) {
      if (number === photosOpened) fail(error);
    } finally {
      clearTimeout(slow);
      if (number === photosOpened) busy();
    }
  }
  editing = false;
  // A slider that moves would be told at each step.
  clearTimeout(spoken);
  spoken = setTimeout(() => say(summary()), 700);
}

function summary() {
  const { strengths } = face();
  const parts = [...strengths].filter(([, strength]) => strength).map(([place, strength]) => `${model.attributes[place].label} ${written(signed(strength, place))}`);
  return parts.length ? `Edited: ${parts.join(", ")}.` : "The photo as it was.";
}

function showEdit(picture, masks) {
  paint($("before"), masks ? masks.before : unedited);
  paint($("after"), masks ? masks.after : picture);
  $("after").setAttribute("aria-label", masks ? "Classes of the edited face, by the mask branch" : "The edited photo");
  $("legend").hidden = !masks;
  if (masks) showLegend(masks);
}

function showLegend({ before, after }) {
  const seen = new Set([before, after].flatMap(({ data }) => [...new Set(new Uint32Array(data.buffer))]));
  const items = model.classes
    .filter(({ color }) => seen.has(new Uint32Array(new Uint8Array([...color, 255]).buffer)[0]))
    .map(({ name, color }) => {
      const item = document.createElement("li"), swatch = document.createElement("canvas"), context = swatch.getContext("2d");
      swatch.width = swatch.height = 1;
      context.fillStyle = `rgb(${color.join(" ")})`;
      context.fillRect(0, 0, 1, 1);
      item.append(swatch, name);
      return item;
    });
  $("legend").replaceChildren(...items);
}

function divide(percent) {
  $("divider").value = percent;
  $("divider").setAttribute("aria-valuetext", percent < 1 ? "after alone" : percent > 99 ? "before alone" : `${percent} % before`);
  $("comparison").style.setProperty("--divide", `${percent}%`);
  $("side-before").hidden = percent < 15;
  $("side-after").hidden = percent > 85;
}

async function save(kind) {
  busy("Writing the file");
  try {
    const blob = await ask("save", { faces: edits(), exact: $("exact").checked, kind });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${photo.name}-edited.${kind === "image/png" ? "png" : "jpg"}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`${link.download} is saved.`);
    busy();
  } catch (error) {
    fail(error);
  }
}

// ---- Camera ----

let stream;

function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = undefined;
  if ($("camera").open) $("camera").close();
}

/** A phone's own camera where there is one; else the page's viewfinder. */
async function take() {
  if (matchMedia("(pointer: coarse)").matches || !navigator.mediaDevices?.getUserMedia) return $("capture").click();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
  } catch {
    return fail(Object.assign(new Error("No camera can be used: there is none, or the browser was not allowed to."), { kind: "camera" }));
  }
  $("viewfinder").srcObject = stream;
  $("camera").showModal();
}

function shoot() {
  const video = $("viewfinder"), canvas = document.createElement("canvas");
  if (!video.videoWidth) return;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((blob) => open(blob, "photo.png"));
}

// ---- Events ----

for (const id of ["choose", "choose-other"]) $(id).onclick = () => $("file").click();
for (const id of ["take", "take-other"]) $(id).onclick = take;
for (const id of ["file", "capture"]) {
  $(id).onchange = () => {
    const [file] = $(id).files;
    $(id).value = ""; // so that the same file may be chosen again
    if (file) open(file, file.name);
  };
}
$("middle").onclick = () => open(refused.blob, refused.name, true);
$("shoot").onclick = shoot;
$("cancel-camera").onclick = closeCamera;
$("camera").onclose = closeCamera;
$("divider").oninput = () => divide(Number($("divider").value));
$("exact").onchange = $("masks").onchange = changed;
$("save-png").onclick = () => save("image/png");
$("save-jpeg").onclick = () => save("image/jpeg");
$("reset").onclick = () => {
  for (const one of photo.faces) one?.strengths.clear();
  changed();
  $(`slider-0`).focus({ preventScroll: true });
};

addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) open(file, file.name);
});
addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
  if (file) open(file, file.name || "photo.png");
});

/** Another visit then works without a network (offline.js); where the browser has no such thing, or forbids it, the page is as good. */
async function keepFiles() {
  const { serviceWorker } = navigator;
  if (!model.server) return serviceWorker?.register("offline.js").catch(() => {});
  // A page of files alone that was at this address would keep this one's answers.
  const kept = await serviceWorker?.getRegistration().catch(() => undefined);
  if (kept?.active?.scriptURL === new URL("offline.js", location).href) await Promise.all([kept.unregister(), caches.delete("secgan page")]);
}

try {
  const loaded = await ask("load", { engine });
  $("loading").hidden = true;
  document.body.dataset.ready = loaded.engine;
  keepFiles();
  const places = { server: "this server", webgpu: "the graphics card", wasm: "the processor" };
  $("about").textContent += ` · runs on ${places[loaded.engine]}`;
} catch (error) {
  $("loading").hidden = true;
  fail(error);
}
