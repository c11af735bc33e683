// What people do by key. Each class has one, which they may choose; none fires while they type.

const ACTS = "ynmujlwdfkzs.,<>[]+-=0? ";
const FREE = [..."123456789qertiopaghxcvb"];

const class_keys = match.classes.map((one, index) => kept("class-keys", {}, "")[one.label] ?? FREE[index] ?? "");

function set_class_key(index, key) {
  const wanted = key.toLowerCase();
  const other = class_keys.findIndex((one, place) => one === wanted && place !== index);
  if (wanted && (ACTS.includes(wanted) || other >= 0)) {
    say(`${wanted} is taken${other >= 0 ? ` by ${match.classes[other].name}` : " by the page"}`);
  } else {
    class_keys[index] = wanted;
    keep("class-keys", Object.fromEntries(match.classes.map((one, place) => [one.label, class_keys[place]])), "");
  }
  draw_class_keys();
}

function draw_class_keys() {
  [...el("classes").children].forEach((button, index) => {
    const key = class_keys[index].toUpperCase();
    button.querySelector("kbd").textContent = key;
    button.querySelector("kbd").hidden = !key;
    button.title = key ? `Add at the picture shown (${key}); Shift+${key}: the selected event becomes one` : "Add at the picture shown";
  });
  el("help-classes").replaceChildren(...class_keys.filter(Boolean).slice(0, 3).map((key) => make("kbd", { textContent: key.toUpperCase() })), " …");
  el("class-keys").replaceChildren(
    ...match.classes.map((one, index) => {
      const input = make("input", { value: class_keys[index].toUpperCase(), maxLength: 1, size: 2, autocomplete: "off" });
      input.onchange = () => set_class_key(index, input.value.trim());
      return make("label", {}, input, ` ${one.name}`);
    }),
  );
}

const back_or_on = (direction) => (event) =>
  seek(state.half, state.seconds + direction * (event.altKey ? 30 : event.shiftKey ? 1 : 5));

const keys = {
  ArrowDown: () => go(1),
  ArrowUp: () => go(-1),
  ArrowRight: back_or_on(1),
  ArrowLeft: back_or_on(-1),
  ".": () => step_pictures(1),
  ",": () => step_pictures(-1),
  "<": () => nudge(-1),
  ">": () => nudge(1),
  " ": toggle_play,
  Enter: (event) => {
    const id = event.target.closest(".row")?.dataset.id || state.selected;
    if (id) choose(id, true);
  },
  Delete: remove,
  Backspace: remove,
  y: () => answer("suggested"),
  n: () => answer("refused"),
  m: move_here,
  u: toggle_unsure,
  j: next_unsure,
  l: toggle_loop,
  w: next_look,
  d: () => faster(-1),
  f: () => faster(1),
  k: () => el("kick-off-here").click(),
  "]": () => set_confidence(Math.round(100 * (state.confidence ?? 0.5) + 5) / 100),
  "[": () => set_confidence(Math.round(100 * (state.confidence ?? 0.5) - 5) / 100),
  "+": () => zoom(2),
  "=": () => zoom(2),
  "-": () => zoom(0.5),
  0: () => zoom(0),
  "?": () => el("help").showModal(),
};

/** The class whose key was pressed; -1: none. Digits are known by their place, since Shift changes what they write. */
function class_pressed(event) {
  const digit = event.code?.match(/^(?:Digit|Numpad)([1-9])$/)?.[1];
  return class_keys.indexOf(digit ?? event.key.toLowerCase());
}

const is_typing = (target) => target.matches("input:not([type=range]), select, textarea");

// In the capture phase, and before the video's own controls, which know some of these keys too.
document.addEventListener(
  "keydown",
  (event) => {
    const target = event.target;
    if (el("help").open || is_typing(target)) return;
    if ((event.ctrlKey || event.metaKey) && ["z", "y"].includes(event.key.toLowerCase())) {
      event.preventDefault();
      if (event.shiftKey || event.key.toLowerCase() === "y") redo();
      else undo();
      return;
    }
    if (event.ctrlKey || event.metaKey || (event.altKey && !event.key.startsWith("Arrow"))) return;
    if (target === el("confidence") && event.key.startsWith("Arrow")) return;
    // Tab reaches the buttons; space and enter on one of them press it.
    if (["Enter", " "].includes(event.key) && target.closest("button, a, summary, label") && !target.closest(".row, .mark")) return;
    const index = class_pressed(event);
    const action = index >= 0 && event.key.length === 1 ? () => (event.shiftKey ? relabel(index) : add(index)) : keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    const row = target.closest(".row");
    const steps = row && ["ArrowDown", "ArrowUp"].includes(event.key);
    if (steps) state.selected = state.selected || row.dataset.id;
    action(event);
    if (steps) document.querySelector(".row.selected")?.focus();
  },
  true,
);
