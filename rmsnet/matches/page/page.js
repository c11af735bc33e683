"use strict";
// The page of one match. All that it shows comes from the JSON in #match; it asks the network for nothing.

const match = JSON.parse(document.getElementById("match").textContent);
const LEAD_SECONDS = 5; // before an event, when it is played
const CAPTION_SECONDS = 3; // around an event, over the picture
const PICTURE_SECONDS = 1 / 25;
const LONGEST_ZOOM = 64;

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

const events = match.events.map((event, id) => ({ ...event, id: `e${id}`, seconds: event.ms / 1000 }));
const truth = (match.truth || []).map((event, id) => ({ ...event, id: `t${id}`, seconds: event.ms / 1000 }));

const all = new Map([...events, ...truth].map((event) => [event.id, event]));
const marks = new Map(); // id -> its mark on the timeline

const state = {
  confidence: match.confidence, // of all classes; null: each has its own, match.least
  hidden: new Set(),
  selected: null, // id of an event or of a missed truth
  half: 0,
  seconds: 0,
  zoom: 1,
  tolerance: 5,
  verdicts: new Map(), // id -> right | wrong | missed
};

function make(tag, properties = {}, ...children) {
  const { style, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(style || {})) node.style.setProperty(name, value);
  node.append(...children);
  return node;
}

const look = (one) => ({ "--on-light": one.on_light, "--on-dark": one.on_dark });
const clock = (seconds) => {
  const whole = Math.floor(seconds + 1e-6);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
};
const half_name = (half) => ["1st half", "2nd half"][match.halves[half].number - 1];
const is_sure = (event) => event.confidence >= (state.confidence ?? match.least[event.class]);
const is_shown = (event) => is_sure(event) && !state.hidden.has(event.class);
/** Where the slider stands: in the middle of the classes' own while it was not moved. */
const slider = () => state.confidence ?? match.least.reduce((sum, one) => sum + one, 0) / match.least.length;

/** What the list holds at the moment: events shown and truths missed, in order of time. */
function listed() {
  const missed = truth.filter((one) => state.verdicts.get(one.id) === "missed" && !state.hidden.has(one.class));
  return [...events.filter(is_shown), ...missed].sort((a, b) => a.half - b.half || a.seconds - b.seconds);
}

/** Truths in order of time each take the most confident event of their class that is near and free. */
function judge() {
  state.verdicts.clear();
  if (!match.truth) return;
  const candidates = events.filter(is_sure);
  for (const event of candidates) state.verdicts.set(event.id, "wrong");
  for (const one of [...truth].sort((a, b) => a.half - b.half || a.seconds - b.seconds)) {
    const near = candidates.filter(
      (event) =>
        event.half === one.half &&
        event.class === one.class &&
        Math.abs(event.seconds - one.seconds) <= state.tolerance &&
        state.verdicts.get(event.id) === "wrong",
    );
    const best = near.reduce((a, b) => (a && a.confidence >= b.confidence ? a : b), null);
    if (best) state.verdicts.set(best.id, "right");
    state.verdicts.set(one.id, best ? "right" : "missed");
  }
}

// ---- drawing

function draw_header() {
  el("title").textContent = match.title;
  el("subtitle").textContent = match.subtitle;
  for (const [text, warning] of match.tags) {
    el("tags").append(make("span", { className: warning ? "tag warning" : "tag", textContent: text }));
  }
  match.halves.forEach((half, index) => {
    const button = make("button", { type: "button", textContent: half_name(index) });
    button.onclick = () => seek(index, 0);
    el("halves").append(button);
  });
  el("halves").hidden = match.halves.length < 2;
  el("tolerance-label").hidden = !match.truth;
}

function draw_chips() {
  match.classes.forEach((one, index) => {
    const chip = make("button", { type: "button", className: "chip", style: look(one) });
    chip.dataset.class = index;
    chip.onclick = () => toggle(index);
    el("chips").append(chip);
  });
}

function draw_timeline() {
  document.documentElement.style.setProperty("--lane", `${match.classes.length > 6 ? 26 : 48}px`);
  match.classes.forEach((one, index) => {
    const style = look(one);
    const name = make("div", { className: "lane-name", style }, make("span", { className: "dot" }), one.name);
    const lane = make("div", { className: "lane", style });
    name.dataset.lane = lane.dataset.lane = index;
    lane.innerHTML = `<svg viewBox="0 0 ${total} ${match.most_votes}" preserveAspectRatio="none"><path d="${curve(index)}"/></svg>`;
    for (const event of truth.filter((event) => event.class === index)) {
      const mark = make(
        "button",
        { type: "button", className: event.visible ? "truth" : "truth unshown", tabIndex: -1 },
        make("i"),
      );
      mark.title = `${event.minute} ${one.name}, ground truth${event.visible ? "" : " (not shown)"}`;
      place(mark, event, lane);
    }
    for (const event of events.filter((event) => event.class === index)) {
      const height = `${Math.max(12, 92 * event.confidence)}%`;
      const mark = make("button", { type: "button", className: "mark", tabIndex: -1 }, make("i", { style: { height } }));
      mark.title = `${event.minute} ${one.name}, ${Math.round(100 * event.confidence)} %`;
      place(mark, event, lane);
    }
    for (const start of starts.slice(1)) {
      lane.append(make("div", { className: "break", style: { left: `${(100 * start) / total}%` } }));
    }
    el("names").append(name);
    el("lanes").append(lane);
  });
  const legend = [["var(--quiet)", "event"]];
  if (match.truth) legend.push(["var(--truth)", "ground truth"]);
  for (const [background, text] of legend) {
    el("legend").append(make("span", {}, make("span", { className: "dot", style: { background } }), text));
  }
}

function place(mark, event, lane) {
  marks.set(event.id, mark);
  mark.dataset.id = event.id;
  mark.style.left = `${percent(event.half, event.seconds)}%`;
  lane.append(mark);
}

/** SVG path of a class's votes: a bar for each frame that has any, from the bottom of the lane. */
function curve(index) {
  const step = 1 / match.frame_rate;
  const top = match.most_votes;
  return match.votes[index]
    .map((votes, half) => {
      let path = "";
      for (let at = 0; at < votes.length; at += 2) {
        const x = starts[half] + match.first_frame_seconds + (votes[at] - 0.5) * step;
        path += `M${x.toFixed(2)} ${top}v${-votes[at + 1]}h${step}V${top}z`;
      }
      return path;
    })
    .join("");
}

function draw_axis() {
  const wide = el("track").clientWidth;
  const steps = [0.25, 0.5, 1, 2, 5, 10, 15];
  const minutes = steps.find((step) => (wide * step * 60) / total > 46) || 45;
  el("axis").replaceChildren();
  match.halves.forEach((half, index) => {
    for (let at = 0; at * 60 < half.seconds; at += minutes) {
      // The last of a half must leave room for the first of the next.
      if (at && index + 1 < match.halves.length && (wide * (half.seconds - at * 60)) / total < 30) break;
      const tick = make("span", { className: "tick", style: { left: `${percent(index, at * 60)}%` } });
      tick.textContent = Number.isInteger(at) ? `${half.first_minute + at}'` : `${clock(60 * (half.first_minute + at))}`;
      el("axis").append(tick);
    }
  });
}

function draw_list() {
  const rows = listed().map((event) => {
    const one = match.classes[event.class];
    const verdict = state.verdicts.get(event.id) || "";
    const hints = { right: "agrees with the truth", wrong: "no truth near it", missed: "truth that no event is near" };
    const words = { right: "✓", wrong: "✗", missed: "missed" };
    const row = make(
      "button",
      { type: "button", className: verdict === "missed" ? "row missed" : "row", style: look(one), tabIndex: -1 },
      make("span", { className: "minute", textContent: event.minute }),
      make("span", { className: "dot" }),
      make("span", { className: "name", textContent: one.name }, make("span", { className: "at", textContent: clock(event.seconds) })),
      make("span", { className: `verdict ${verdict}`, textContent: words[verdict] || "", title: hints[verdict] || "" }),
    );
    if (event.confidence !== undefined) {
      const value = `${Math.round(100 * event.confidence)} %`;
      row.append(
        make("span", { className: "bar" }, make("i", { style: { width: value.replace(" ", "") } }), make("b", { textContent: value })),
      );
    }
    row.dataset.id = event.id;
    row.ariaLabel = [event.minute, one.name, row.querySelector(".bar")?.textContent, half_name(event.half), clock(event.seconds), hints[verdict]]
      .filter(Boolean)
      .join(", ");
    row.title = `${half_name(event.half)} ${clock(event.seconds)}`;
    return make("li", {}, row);
  });
  const textContent = events.length
    ? "No event at this confidence. Move the slider to the left."
    : "The model spots nothing in this match.";
  const nothing = make("li", { className: "nothing", textContent });
  const focused = document.activeElement.closest(".row") !== null;
  el("events").replaceChildren(...(rows.length ? rows : [nothing]));
  draw_reachable();
  if (focused) el("events").querySelector('.row[tabindex="0"]')?.focus();
}

/** Tab reaches one row of the list, the selected one or the first; the arrow keys go on from there. */
function draw_reachable() {
  const rows = [...document.querySelectorAll(".row")];
  const reachable = rows.find((row) => row.dataset.id === state.selected) || rows[0];
  for (const row of rows) {
    row.tabIndex = row === reachable ? 0 : -1;
    row.ariaCurrent = String(row.dataset.id === state.selected);
  }
}

function draw_counts() {
  const shown = events.filter(is_shown).length;
  el("count").textContent = `${shown} of ${events.length} events`;
  for (const chip of el("chips").children) {
    const index = Number(chip.dataset.class);
    const count = events.filter((event) => event.class === index && is_sure(event)).length;
    chip.ariaPressed = String(!state.hidden.has(index));
    chip.title = index < 9 ? `Show or hide (${index + 1})` : "Show or hide";
    chip.replaceChildren(match.classes[index].name, make("small", { textContent: count }));
  }
  el("confidence").value = Math.round(100 * slider());
  el("confidence-value").textContent = state.confidence === null ? "as learned" : `${Math.round(100 * slider())} %`;
  if (match.truth) {
    const count = (word, of) => of.filter((one) => state.verdicts.get(one.id) === word).length;
    el("truth-summary").textContent =
      `${count("right", truth)} of ${truth.length} found · ${count("wrong", events)} without truth`;
  }
}

/** After a change of confidence, classes or tolerance. */
function refresh() {
  judge();
  const in_list = new Set(listed().map((event) => event.id));
  if (state.selected && !in_list.has(state.selected) && !state.selected.startsWith("t")) state.selected = null;
  for (const event of events) marks.get(event.id).hidden = !is_shown(event);
  for (const event of truth) marks.get(event.id).hidden = state.hidden.has(event.class);
  for (const node of document.querySelectorAll("[data-lane]")) {
    node.classList.toggle("off", state.hidden.has(Number(node.dataset.lane)));
  }
  draw_list();
  draw_counts();
  draw_selection();
  draw_time();
}

function draw_selection() {
  for (const node of document.querySelectorAll(".selected")) node.classList.remove("selected");
  for (const node of document.querySelectorAll(`[data-id="${state.selected}"]`)) {
    node.classList.add("selected");
    if (node.classList.contains("row")) node.scrollIntoView({ block: "nearest" });
    else keep_in_view(node);
  }
  draw_reachable();
}

function keep_in_view(node) {
  const scroller = el("scroller");
  const names = el("names").offsetWidth;
  const x = node.offsetLeft + names;
  if (x < scroller.scrollLeft + names || x > scroller.scrollLeft + scroller.clientWidth - 20) {
    scroller.scrollLeft = x - (scroller.clientWidth + names) / 2;
  }
}

function draw_time() {
  el("playhead").style.left = `${percent(state.half, state.seconds)}%`;
  const now = starts[state.half] + state.seconds;
  const length = match.halves[state.half].seconds;
  el("clock").replaceChildren(clock(state.seconds), make("small", { textContent: `of ${clock(length)}, ${half_name(state.half)}` }));
  [...el("halves").children].forEach((button, index) => (button.ariaPressed = String(index === state.half)));
  let nearest = null;
  for (const row of document.querySelectorAll(".row")) {
    const event = all.get(row.dataset.id);
    const distance = starts[event.half] + event.seconds - now;
    row.classList.toggle("passed", Math.abs(distance) < CAPTION_SECONDS);
    if (event.half === state.half && (!nearest || Math.abs(distance) < Math.abs(nearest.distance))) nearest = { event, distance };
  }
  const on = nearest && Math.abs(nearest.distance) < CAPTION_SECONDS && el("no-video").hidden;
  el("caption").classList.toggle("on", Boolean(on));
  if (on) {
    el("caption").textContent = `${match.classes[nearest.event.class].name}  ${nearest.event.minute}`;
    el("caption").style.borderColor = match.classes[nearest.event.class].on_dark;
  }
}

// ---- the video

let loaded; // address of the video that is loaded; null: there is none
let wanted = null; // seconds to go to once it is
let playing = false; // whether to go on playing in a video that is being loaded

/** Where the half begins on the clock of its video. */
const start_in_video = () => match.halves[state.half].video_start;

/** Show a moment of the match; the video follows, a new one is loaded where the half changes. */
function seek(half, seconds) {
  state.half = half;
  state.seconds = Math.min(Math.max(seconds, 0), match.halves[half].seconds);
  show_video();
  if (loaded && video.readyState > 0) video.currentTime = state.seconds + start_in_video();
  else wanted = state.seconds;
  draw_time();
}

function show_video() {
  const address = match.halves[state.half].video;
  if (address === loaded && !el("no-video-reason").dataset.broken) return;
  playing = !video.paused && !video.ended;
  loaded = address;
  wanted = state.seconds;
  if (address) {
    no_video(null);
    video.src = address;
  } else {
    video.removeAttribute("src");
    video.load();
    no_video(match.halves[state.half].video_remark || `There is no video of the ${half_name(state.half)} beside this page.`);
  }
}

function no_video(reason, broken = false) {
  el("no-video").hidden = reason === null;
  el("no-video-reason").textContent = reason || "";
  if (broken) el("no-video-reason").dataset.broken = "yes";
  else delete el("no-video-reason").dataset.broken;
}

video.addEventListener("loadedmetadata", () => {
  if (wanted !== null) video.currentTime = wanted + start_in_video();
  wanted = null;
  if (playing) play();
  const { seekable } = video;
  if (video.duration > 1 && !(seekable.length && seekable.end(seekable.length - 1) > 1)) {
    no_video("The server that this page came from sends videos from their start only (it answers no range requests), so that " +
      "no event can be shown. Open the page from disk, use another server, or open the video here.");
  }
});
video.addEventListener("error", () => {
  if (!loaded) return;
  const name = decodeURIComponent(loaded.split("/").pop());
  no_video(`This browser cannot play ${name}: it is not where it was, or of a kind the browser does not know.`, true);
});
for (const name of ["timeupdate", "seeking"]) video.addEventListener(name, follow);
video.addEventListener("play", () => {
  el("play").textContent = "Pause";
  const tick = () => {
    follow();
    if (!video.paused) requestAnimationFrame(tick);
  };
  tick();
});
video.addEventListener("pause", () => (el("play").textContent = "Play"));
video.addEventListener("ended", () => {
  if (state.half + 1 < match.halves.length) {
    seek(state.half + 1, 0);
    playing = true;
  }
});

/** The page's time is the video's, unless the video is still on its way to another one. */
function follow() {
  if (!loaded || wanted !== null || video.readyState === 0 || !el("no-video").hidden) return;
  state.seconds = Math.min(Math.max(video.currentTime - start_in_video(), 0), match.halves[state.half].seconds);
  draw_time();
}

const play = () => video.play().catch(() => {}); // refused without a gesture, or interrupted by a seek

function toggle_play() {
  if (video.paused) play();
  else video.pause();
}

function open_file(file) {
  const half = match.halves[state.half];
  if (file.name !== half.video_name) half.video_start = 0; // another file is taken for the half itself
  half.video = URL.createObjectURL(file);
  loaded = null;
  show_video();
}

// ---- what people do

function select(id, from_lead = false) {
  const event = all.get(id);
  state.selected = id;
  seek(event.half, event.seconds - (from_lead ? LEAD_SECONDS : 0));
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

function zoom(factor) {
  const scroller = el("scroller");
  const names = el("names").offsetWidth;
  const place = percent(state.half, state.seconds) / 100;
  const before = place * el("track").clientWidth - scroller.scrollLeft;
  const room = scroller.clientWidth - names;
  state.zoom = factor === 0 ? 1 : Math.min(Math.max(state.zoom * factor, 1), LONGEST_ZOOM);
  scroller.style.gridTemplateColumns = `132px ${room * state.zoom}px`;
  // The present moment stays where it is on the screen; one that is not on it comes to the middle.
  const at = before >= 0 && before <= room ? before : room / 2;
  scroller.scrollLeft = place * el("track").clientWidth - at;
  draw_axis();
}

function seek_to_pointer(event) {
  const box = el("track").getBoundingClientRect();
  const at = Math.min(Math.max((event.clientX - box.x) / box.width, 0), 1) * total;
  const half = starts.findLastIndex((start) => start <= at);
  state.selected = null;
  draw_selection();
  seek(half, at - starts[half]);
}

el("track").addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.target.closest("[data-id]")) return;
  seek_to_pointer(event);
  el("track").setPointerCapture(event.pointerId);
});
el("track").addEventListener("pointermove", (event) => {
  if (el("track").hasPointerCapture(event.pointerId)) seek_to_pointer(event);
});
for (const parent of [el("events"), el("lanes")]) {
  for (const [kind, from_lead] of [["click", false], ["dblclick", true]]) {
    parent.addEventListener(kind, (event) => {
      const node = event.target.closest("[data-id]");
      if (node) select(node.dataset.id, from_lead);
    });
  }
}
el("scroller").addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8);
  },
  { passive: false },
);
el("confidence").addEventListener("input", () => set_confidence(el("confidence").value / 100));
el("tolerance").addEventListener("change", () => {
  state.tolerance = Number(el("tolerance").value);
  refresh();
});
el("previous").onclick = () => step(-1);
el("next").onclick = () => step(1);
el("play").onclick = toggle_play;
el("zoom-in").onclick = () => zoom(2);
el("zoom-out").onclick = () => zoom(0.5);
el("zoom-fit").onclick = () => zoom(0);
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
window.addEventListener("resize", () => zoom(1));

const keys = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  ArrowRight: (event) => seek(state.half, state.seconds + (event.shiftKey ? 1 : 5)),
  ArrowLeft: (event) => seek(state.half, state.seconds - (event.shiftKey ? 1 : 5)),
  ".": () => seek(state.half, state.seconds + PICTURE_SECONDS),
  ",": () => seek(state.half, state.seconds - PICTURE_SECONDS),
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
  "?": () => el("help").showModal(),
};
match.classes.slice(0, 9).forEach((_, index) => (keys[index + 1] = () => toggle(index)));

// In the capture phase, and before the video's own controls, which know some of these keys too.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || el("help").open) return;
    const target = event.target;
    if (target === el("tolerance")) return;
    if (target === el("confidence") && ["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    // Tab reaches the buttons; space and enter on one of them press it.
    if (["Enter", " "].includes(event.key) && target.closest("header button, #tools button, #transport button, .chip")) return;
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

draw_header();
draw_chips();
draw_timeline();
refresh();
seek(0, 0);
draw_axis();
