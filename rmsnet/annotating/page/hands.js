// What people do by mouse or finger, with the list, the timeline and the buttons.

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4];

function draw_buttons() {
  match.classes.forEach((one, index) => {
    const chip = make("button", { type: "button", className: "chip", style: look(one), title: "Show or hide" }, one.name, make("small"));
    chip.dataset.class = index;
    chip.onclick = () => {
      if (!state.hidden.delete(index)) state.hidden.add(index);
      redraw();
    };
    el("chips").append(chip);
    const adds = make("button", { type: "button", className: "adds", style: look(one) }, make("span", { className: "dot" }), one.name, make("kbd"));
    adds.ariaLabel = `Add ${one.name}`;
    adds.onclick = () => add(index);
    el("classes").append(adds);
    el("chosen-label").append(make("option", { value: one.label, textContent: one.name }));
  });
  for (const speed of SPEEDS) el("speed").append(make("option", { value: speed, textContent: `${speed}×`, selected: speed === 1 }));
}

function set_speed(speed) {
  video.playbackRate = video.defaultPlaybackRate = speed;
  el("speed").value = speed;
}

function faster(direction) {
  const at = SPEEDS.indexOf(Number(el("speed").value)) + direction;
  if (SPEEDS[at]) set_speed(SPEEDS[at]);
  say(`Speed ${el("speed").value}×`);
}

function set_confidence(value) {
  state.confidence = Math.min(Math.max(value, 0), 1);
  redraw();
}

async function take_in(file) {
  const answer = await fetch(`import?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  const told = await answer.json();
  say(told.error || `${file.name}: ${told.added} event${told.added === 1 ? "" : "s"} added${told.notes.length ? `; ${told.notes[0]}` : ""}`);
  if (!told.error) {
    await catch_up();
    redraw();
  }
}

async function take_away(form) {
  const answer = await fetch(`export/${form}`);
  if (!answer.ok) {
    say((await answer.json()).error);
    return;
  }
  const name = decodeURIComponent(answer.headers.get("content-disposition").split("''")[1]);
  const href = URL.createObjectURL(await answer.blob());
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
  say(`Exported ${name}`);
}

for (const parent of [el("events"), el("lanes")]) {
  parent.addEventListener("click", (event) => {
    const node = event.target.closest("[data-id]");
    if (node) choose(node.dataset.id);
  });
  parent.addEventListener("dblclick", (event) => {
    const node = event.target.closest("[data-id]");
    if (node) choose(node.dataset.id, true);
  });
}
el("confidence").addEventListener("input", () => set_confidence(el("confidence").value / 100));
el("speed").addEventListener("change", () => set_speed(Number(el("speed").value)));
el("chosen").addEventListener("submit", (event) => event.preventDefault());
el("chosen-label").addEventListener("change", () => relabel(class_of.get(el("chosen-label").value)));
el("chosen-time").addEventListener("change", retime);
el("chosen-team").addEventListener("change", () => change("team of", { team: el("chosen-team").value.trim() }));
el("import").addEventListener("change", () => {
  if (el("import").files[0]) take_in(el("import").files[0]);
  el("import").value = "";
});
el("export").addEventListener("change", () => {
  if (el("export").value) take_away(el("export").value);
  el("export").value = "";
});
el("file").addEventListener("change", () => el("file").files[0] && open_file(el("file").files[0]));
el("screen").addEventListener("dragover", (event) => event.preventDefault());
el("screen").addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) open_file(event.dataTransfer.files[0]);
});
el("make-copy").onclick = async () => {
  const { told } = await ask(`copy/${match.halves[state.half].number}`, {});
  taken.delete(`copy ${match.halves[state.half].number}`);
  match.halves[state.half].playable = false;
  take_status(told);
};
// A video that the server takes for one that browsers play, and this one does not.
video.addEventListener("error", () => (el("make-copy").hidden = false));
for (const [id, act] of Object.entries({
  previous: () => go(-1),
  next: () => go(1),
  play: toggle_play,
  "back-frame": () => step_pictures(-1),
  "on-frame": () => step_pictures(1),
  "next-unsure": next_unsure,
  accept: () => answer("suggested"),
  refuse: () => answer("refused"),
  move: move_here,
  earlier: () => nudge(-1),
  later: () => nudge(1),
  unsure: toggle_unsure,
  loop: toggle_loop,
  delete: remove,
  undo,
  redo,
  timecode: () => copy(timecode_of(state)),
  "help-button": () => el("help").showModal(),
})) {
  el(id).onclick = act;
}
