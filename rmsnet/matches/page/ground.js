// What every page of a match stands on: its elements, its time, what it says in passing.

const el = (id) => document.getElementById(id);
const video = el("video");

// Time in a match: which half (an index into match.halves) and the seconds in it.
const starts = [];
let total = 0;
for (const half of match.halves) {
  starts.push(total);
  total += half.seconds;
}
const percent = (half, seconds) => (100 * (starts[half] + seconds)) / total;

function make(tag, properties = {}, ...children) {
  const { style, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(style || {})) node.style.setProperty(name, value);
  node.append(...children);
  return node;
}

const look = (one) => ({ "--on-light": one.on_light, "--on-dark": one.on_dark });
const half_name = (half) => match.halves[half].name;

function make_copy(text) {
  const area = make("textarea", { value: text, readOnly: true, style: { position: "fixed", opacity: 0 } });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** Into the clipboard; where the browser refuses that, people see what there is to copy. */
async function copy(text, what = text) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = make_copy(text);
  }
  say(done ? `Copied ${what}` : `This browser lets the page copy nothing. ${text}`);
}

let silence;
function say(text) {
  el("said").textContent = text;
  el("said").classList.add("on");
  clearTimeout(silence);
  silence = setTimeout(() => el("said").classList.remove("on"), 4000);
}
