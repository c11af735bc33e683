// What people do: by mouse, by finger, by key.

function select(id, from_lead = false) {
  const event = all.get(id);
  state.selected = id;
  seek(event.half, event.seconds - (from_lead ? match.classes[event.class].before : 0));
  draw_selection();
  if (from_lead) {
    playing = true;
    if (video.readyState > 0) play();
  }
}

/** The next (or previous) in the list: from the selected one, else from the present time. */
function step(direction) {
  const list = listed();
  if (!list.length) return;
  const selected = list.findIndex((event) => event.id === state.selected);
  if (selected >= 0) {
    const to = list[selected + direction];
    if (to) select(to.id);
    return;
  }
  const now = starts[state.half] + state.seconds;
  const later = list.findIndex((event) => starts[event.half] + event.seconds > now);
  const behind = later < 0 ? list.length : later;
  const to = list[direction > 0 ? behind : behind - 1];
  if (to) select(to.id);
}

function toggle(index) {
  if (!state.hidden.delete(index)) state.hidden.add(index);
  refresh();
}

function set_confidence(value) {
  state.confidence = Math.min(Math.max(value, 0), 1);
  refresh();
}

for (const parent of [el("events"), el("lanes")]) {
  for (const [kind, from_lead] of [["click", false], ["dblclick", true]]) {
    parent.addEventListener(kind, (event) => {
      const node = event.target.closest("[data-id]");
      if (node) select(node.dataset.id, from_lead);
    });
  }
}
el("lanes").addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.target.id !== "threshold") return;
  const box = event.target.parentNode.getBoundingClientRect();
  const drag = ({ clientY }) => set_confidence(Math.round((100 * (box.bottom - clientY)) / box.height) / 100);
  event.target.setPointerCapture(event.pointerId);
  event.target.addEventListener("pointermove", drag);
  event.target.addEventListener("lostpointercapture", () => event.target.removeEventListener("pointermove", drag), { once: true });
});
el("confidence").addEventListener("input", () => set_confidence(el("confidence").value / 100));
el("tolerance").addEventListener("change", () => {
  state.tolerance = Number(el("tolerance").value);
  refresh();
});
el("previous").onclick = () => step(-1);
el("next").onclick = () => step(1);
el("play").onclick = toggle_play;
el("help-button").onclick = () => el("help").showModal();
el("file").addEventListener("change", () => el("file").files[0] && open_file(el("file").files[0]));
el("screen").addEventListener("dragover", (event) => {
  event.preventDefault();
  el("no-video").classList.add("over");
});
el("screen").addEventListener("dragleave", () => el("no-video").classList.remove("over"));
el("screen").addEventListener("drop", (event) => {
  event.preventDefault();
  el("no-video").classList.remove("over");
  if (event.dataTransfer.files[0]) open_file(event.dataTransfer.files[0]);
});

const keys = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  ArrowRight: (event) => seek(state.half, state.seconds + (event.shiftKey ? 1 : 5)),
  ArrowLeft: (event) => seek(state.half, state.seconds - (event.shiftKey ? 1 : 5)),
  ".": () => seek(state.half, state.seconds + picture_seconds()),
  ",": () => seek(state.half, state.seconds - picture_seconds()),
  " ": toggle_play,
  Enter: (event) => {
    const id = event.target.closest(".row")?.dataset.id || state.selected;
    if (id) select(id, true);
  },
  "]": () => set_confidence(Math.round(100 * slider() + 5) / 100),
  "[": () => set_confidence(Math.round(100 * slider() - 5) / 100),
  "+": () => zoom(2),
  "=": () => zoom(2),
  "-": () => zoom(0.5),
  0: () => zoom(0),
  c: () => el("timecode").click(),
  k: () => el("kick-off-here").click(),
  r: toggle_reel,
  x: () => {
    const event = all.get(state.selected);
    if (event?.confidence !== undefined) tick(event, !is_ticked(event));
  },
  "?": () => el("help").showModal(),
};
match.classes.slice(0, 9).forEach((_, index) => (keys[index + 1] = () => toggle(index)));

// In the capture phase, and before the video's own controls, which know some of these keys too.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || el("help").open) return;
    const target = event.target;
    if (target === el("tolerance") || target === el("kick-off")) return;
    if (target === el("confidence") && ["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    // Tab reaches the buttons; space and enter on one of them press it.
    if (["Enter", " "].includes(event.key) && target.closest("header button, #tools button, #transport button, .chip, #reel *, #event *")) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    // The focus goes along with the keys in the list; a mark that was clicked must not keep it.
    const row = target.closest(".row");
    if (!row && target.closest("[data-id]")) target.blur();
    const steps = row && ["ArrowDown", "ArrowUp"].includes(event.key);
    if (steps) state.selected = state.selected || row.dataset.id;
    action(event);
    if (steps) document.querySelector(".row.selected")?.focus();
  },
  true,
);
