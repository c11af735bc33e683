// What is shown: the list of events and suggestions, and the same on the timeline.

const CAPTION_SECONDS = 3; // around an event, over the picture
const MANY = 10; // classes, from which on all is smaller

const state = {
  confidence: null, // of suggestions; null: each class has what the model learned
  hidden: new Set(),
  selected: null, // id of a mark, or key of a suggestion
  half: 0,
  seconds: 0,
  zoom: 1,
  look: null, // light | dark; null: as the machine's
};

let suggestions = []; // {key, half, position_ms, label, confidence}
let said = null; // what the model says: votes, least, by
const waves = new Map(); // number of a half -> how loud it is

let reel = false; // whether the stretch around the selected event is played again and again

const class_of = new Map(match.classes.map((one, index) => [one.label, index]));
const key_of = ({ half, position_ms, label }) => `${half}-${position_ms}-${label}`;

/** All that is shown, in order of time: marks with their id, suggestions with their key. */
function listed() {
  const marks = view();
  const rows = [];
  for (const [id, mark] of marks) {
    if (!is_refused(mark)) rows.push({ id, mark, ...spot_of(mark) });
  }
  for (const one of open_suggestions(suggestions, marks)) {
    if (one.confidence >= least_of(one.label)) rows.push({ id: one.key, suggestion: one, ...spot_of(one) });
  }
  return rows
    .filter((row) => !state.hidden.has(row.class))
    .sort((a, b) => a.half - b.half || a.ms - b.ms || a.class - b.class);
}

const spot_of = (one) => ({
  half: half_of(one.half),
  ms: one.position_ms,
  seconds: one.position_ms / 1000,
  class: class_of.get(one.label),
});
const least_of = (label) => state.confidence ?? said?.least[label] ?? 0.5;
const is_open = (row) => Boolean(row.suggestion) || is_unsure(row.mark);
/** The selected row; undefined: none, or it is gone. */
const chosen = () => rows.find(({ id }) => id === state.selected);

const team_of = (mark) => (!mark || mark.team === "not applicable" ? "" : mark.team);

let rows = []; // what was listed last

function words_of(row) {
  const words = [minute_of(row), match.classes[row.class].name, half_name(row.half), exact_clock(row.seconds)];
  if (row.suggestion) words.push(`suggestion, ${Math.round(100 * row.suggestion.confidence)} %`);
  if (team_of(row.mark)) words.push(team_of(row.mark));
  if (row.mark && is_unsure(row.mark)) words.push("unsure");
  if (row.mark && is_suggested(row.mark)) words.push("accepted suggestion");
  return words.join(", ");
}

/** After any change of labels, filters or suggestions. */
function redraw() {
  rows = listed();
  draw_chosen();
  draw_list();
  draw_marks();
  draw_counts();
  draw_kept();
  draw_undo();
  draw_time();
}

function draw_list() {
  const nothing = make("li", { className: "nothing", textContent: "No event yet. Stop at one and press the key of its class." });
  const focused = document.activeElement.closest?.(".row") !== null && document.activeElement !== document.body;
  const items = rows.map((row) => {
    const one = match.classes[row.class];
    const state_word = row.suggestion ? `${Math.round(100 * row.suggestion.confidence)} %` : is_unsure(row.mark) ? "unsure" : is_suggested(row.mark) ? "accepted" : "";
    const button = make(
      "button",
      { type: "button", className: `row${row.suggestion ? " open" : ""}`, style: look(one), tabIndex: -1 },
      make("span", { className: "minute", textContent: minute_of(row) }),
      make("span", { className: "dot" }),
      make("span", { className: "name", textContent: one.name }, make("span", { className: "at", textContent: clock(row.seconds) })),
      make("span", { className: "verdict", textContent: team_of(row.mark) }),
      make("span", { className: `state${is_open(row) ? " open" : ""}`, textContent: state_word }),
    );
    button.dataset.id = row.id;
    button.ariaLabel = words_of(row);
    return make("li", {}, button);
  });
  el("events").replaceChildren(...(items.length ? items : [nothing]));
  draw_selection();
  if (focused) el("events").querySelector('.row[tabindex="0"]')?.focus();
}

function draw_selection() {
  for (const node of document.querySelectorAll(".selected")) node.classList.remove("selected");
  const nodes = state.selected === null ? [] : document.querySelectorAll(`[data-id="${CSS.escape(state.selected)}"]`);
  for (const node of nodes) {
    node.classList.add("selected");
    if (node.classList.contains("row")) bring_into_list(node);
    else if (node.offsetParent) keep_in_view(node);
  }
  const all = [...el("events").querySelectorAll(".row")];
  const reachable = all.find((row) => row.dataset.id === state.selected) || all[0];
  for (const row of all) {
    row.tabIndex = row === reachable ? 0 : -1;
    row.ariaCurrent = String(row.dataset.id === state.selected);
  }
}

/** Scroll the list, and nothing else, until a row of it is seen. */
function bring_into_list(row) {
  const list = el("events").getBoundingClientRect();
  const box = row.getBoundingClientRect();
  if (box.top < list.top) el("events").scrollTop -= list.top - box.top;
  else if (box.bottom > list.bottom) el("events").scrollTop += box.bottom - list.bottom;
}

function draw_lanes() {
  const count = match.classes.length;
  document.documentElement.style.setProperty("--lane", `${count > MANY ? 20 : count > 6 ? 26 : 44}px`);
  document.body.classList.toggle("many", count > MANY);
  el("names").replaceChildren();
  el("lanes").replaceChildren();
  if ([...waves.values()].some((wave) => wave.length)) {
    const lane = make("div", { className: "lane sound", ariaHidden: "true" });
    lane.innerHTML = `<svg viewBox="0 0 ${total} 100" preserveAspectRatio="none"><path d="${wave_path()}"/></svg>`;
    append_lane(make("div", { className: "lane-name sound", textContent: "Sound" }), lane);
  }
  match.classes.forEach((one, index) => {
    const style = look(one);
    const name = make("div", { className: "lane-name", style }, make("span", { className: "dot" }), one.name);
    const lane = make("div", { className: "lane", style });
    name.dataset.lane = lane.dataset.lane = index;
    name.title = one.name;
    if (match.votes) lane.innerHTML = `<svg viewBox="0 0 ${total} ${match.most_votes}" preserveAspectRatio="none"><path d="${curve(index)}"/></svg>`;
    lane.append(make("div", { className: "marks" }));
    append_lane(name, lane);
  });
  const legend = [["solid", "event"], ["unsure", "unsure"]];
  if (match.model) legend.push(["open", "suggestion"]);
  el("legend").replaceChildren(...legend.map(([kind, text]) => make("span", {}, make("i", { className: `key ${kind}` }), text)));
}

/** How loud each moment is, from the bottom of the lane. */
function wave_path() {
  let path = "";
  for (const [number, wave] of waves) {
    const half = half_of(number);
    const begin = match.halves[half].start;
    wave.forEach((loud, place) => {
      const x = 0.5 * place - begin;
      if (x >= 0 && x < match.halves[half].seconds) path += `M${(starts[half] + x).toFixed(1)} 100v${-loud}h0.5V100z`;
    });
  }
  return path;
}

function draw_marks() {
  const lanes = [...document.querySelectorAll(".lane .marks")];
  const of_lane = lanes.map(() => []);
  for (const row of rows) {
    const height = row.suggestion ? `${Math.max(18, 92 * row.suggestion.confidence)}%` : "92%";
    const kind = row.suggestion ? "mark open" : is_unsure(row.mark) ? "mark unsure" : "mark";
    const mark = make("button", { type: "button", className: kind, tabIndex: -1, title: words_of(row), ariaHidden: "true" }, make("i", { style: { height } }));
    mark.dataset.id = row.id;
    mark.style.left = `${percent(row.half, row.seconds)}%`;
    if (row.id === state.selected) mark.classList.add("selected");
    of_lane[row.class].push(mark);
  }
  lanes.forEach((lane, index) => lane.replaceChildren(...of_lane[index]));
  for (const node of document.querySelectorAll("[data-lane]")) {
    node.classList.toggle("off", state.hidden.has(Number(node.dataset.lane)));
  }
}

function draw_counts() {
  const marks = [...view().values()].filter((mark) => !is_refused(mark));
  const open = rows.filter((row) => row.suggestion).length;
  const unsure = marks.filter(is_unsure).length;
  const counts = [`${marks.length} event${marks.length === 1 ? "" : "s"}`];
  if (unsure) counts.push(`${unsure} unsure`);
  if (match.model) counts.push(said ? `${open} suggestion${open === 1 ? "" : "s"} to answer` : "suggestions are being made");
  if (el("count").textContent !== counts.join(" · ")) el("count").textContent = counts.join(" · ");
  for (const chip of el("chips").children) {
    const index = Number(chip.dataset.class);
    chip.ariaPressed = String(!state.hidden.has(index));
    chip.querySelector("small").textContent = marks.filter((mark) => mark.label === match.classes[index].label).length;
  }
  const shown = Math.round(100 * (state.confidence ?? 0.5));
  el("confidence").value = shown;
  el("confidence-value").textContent = state.confidence === null ? "as learned" : `${shown} %`;
  for (const node of ["confidence", "confidence-value"]) el(node).hidden = !match.model;
  document.querySelector('label[for="confidence"]').hidden = !match.model;
}

function draw_undo() {
  for (const name of ["undo", "redo"]) {
    const what = labels.status[name];
    const mine = name === "undo" && waiting.at(-1)?.body.what;
    el(name).disabled = !what && !mine;
    el(name).title = what || mine ? `${name === "undo" ? "Undo" : "Do again"}: ${mine || what}` : "Nothing to undo";
    if (name === "redo" && !what) el(name).title = "Nothing to do again";
  }
}

function draw_time() {
  el("playhead").style.left = `${percent(state.half, state.seconds)}%`;
  const length = match.halves[state.half].seconds;
  el("clock").replaceChildren(exact_clock(state.seconds), make("small", { textContent: `of ${clock(length)}, ${half_name(state.half)}` }));
  el("timecode").textContent = timecode_of(state);
  draw_kick_off();
  [...el("halves").children].forEach((button, index) => (button.ariaPressed = String(index === state.half)));
  let nearest = null;
  for (const row of rows) {
    const distance = Math.abs(row.seconds - state.seconds);
    if (row.half === state.half && row.mark && (!nearest || distance < nearest.distance)) nearest = { row, distance };
  }
  const on = nearest && nearest.distance < CAPTION_SECONDS && el("no-video").hidden;
  el("caption").classList.toggle("on", Boolean(on));
  if (on) {
    el("caption").textContent = `${match.classes[nearest.row.class].name}  ${minute_of(nearest.row)}`;
    el("caption").style.borderColor = match.classes[nearest.row.class].on_dark;
  }
}

function draw_kick_off() {
  const { start } = match.halves[state.half];
  if (document.activeElement !== el("kick-off")) el("kick-off").value = exact_clock(start).replace(/\.?0+$/, "");
}

function draw_header() {
  el("title").textContent = match.title;
  el("subtitle").textContent = [match.subtitle, match.file, match.annotator].filter(Boolean).join(" · ");
  if (match.model) el("tags").append(make("span", { className: "tag", textContent: `suggests: ${match.model}` }));
  el("all").hidden = !match.several;
  match.halves.forEach((half, index) => {
    const button = make("button", { type: "button", textContent: half_name(index) });
    button.onclick = () => seek(index, 0);
    el("halves").append(button);
  });
  el("halves").hidden = match.halves.length < 2;
  const options = match.formats.map((form) => make("option", { value: form, textContent: form }));
  el("export").append(make("option", { value: "", textContent: "Export" }), ...options);
}

/** What the server has made meanwhile: suggestions, loudness, a copy of a video. */
async function look_at_jobs() {
  for (const [key, job] of Object.entries(labels.status.jobs || {})) {
    const number = Number(key.split(" ")[1]);
    if (key.startsWith("copy")) draw_copying(number, job);
    if (!job.ended || job.problem || taken.has(key)) continue;
    taken.add(key);
    if (key.startsWith("suggestions")) take_suggestions((await ask("suggestions")).told);
    else if (key.startsWith("wave")) {
      waves.set(number, (await ask(`wave/${number}`)).told);
      draw_lanes();
      redraw();
    } else if (half_of(number) >= 0 && !match.halves[half_of(number)].playable) location.reload();
  }
}
const taken = new Set();

function take_suggestions(told) {
  if (told.error) return;
  said = told;
  suggestions = told.events.map((one) => ({ ...one, key: key_of(one) }));
  match.most_votes = told.most_votes;
  match.frame_rate = told.frame_rate;
  match.first_frame_seconds = told.first_frame_seconds;
  match.votes = match.classes.map(({ label }) => match.halves.map(({ number }) => told.votes[label]?.[told.halves.indexOf(number)] || []));
  draw_lanes();
  redraw();
  say(`${suggestions.length} suggestions of ${match.model}`);
}

function draw_copying(number, job) {
  if (match.halves[state.half].number !== number) return;
  el("copying").hidden = job.ended;
  el("copying").value = job.done;
  el("make-copy").hidden = !job.problem && !job.ended;
  if (el("no-video").hidden) return;
  const percents = `${Math.round(100 * job.done)} %`;
  el("no-video-reason").textContent = job.problem
    ? `No copy of the video could be made: ${job.problem}`
    : `This browser does not play ${match.halves[state.half].video_name}: a copy that it plays is being made, ${percents}`;
}
