// What is shown of one match: list and timeline. The page asks the network for nothing.

const CAPTION_SECONDS = 3; // around an event, over the picture

const events = match.events.map((event, id) => ({ ...event, id: `e${id}`, seconds: event.ms / 1000 }));
const truth = (match.truth || []).map((event, id) => ({ ...event, id: `t${id}`, seconds: event.ms / 1000 }));

const all = new Map([...events, ...truth].map((event) => [event.id, event]));
const marks = new Map(); // id -> its mark on the timeline
const dots = new Map(); // id -> its dot in the lane of confidence

const state = {
  confidence: match.confidence, // of all classes; null: each has its own, match.least
  hidden: new Set(match.classes.flatMap((one, index) => (one.hidden ? [index] : []))),
  selected: null, // id of an event or of a missed truth
  half: 0,
  seconds: 0,
  zoom: 1,
  tolerance: 5,
  look: null, // light | dark; null: as the machine's
  verdicts: new Map(), // id -> right | wrong | missed
};

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
  draw_confidence_lane();
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
      place(mark, event, lane);
    }
    for (const event of events.filter((event) => event.class === index)) {
      const height = `${Math.max(12, 92 * event.confidence)}%`;
      const mark = make("button", { type: "button", className: "mark", tabIndex: -1 }, make("i", { style: { height } }));
      place(mark, event, lane);
    }
    append_lane(name, lane);
  });
  const legend = [["var(--quiet)", "event"]];
  if (match.truth) legend.push(["var(--truth)", "ground truth"]);
  for (const [background, text] of legend) {
    el("legend").append(make("span", {}, make("span", { className: "dot", style: { background } }), text));
  }
  el("legend").append(make("span", { textContent: `full height: 100 % sure, or votes of all ${match.most_votes} clips` }));
}

/** All events by confidence, and the least that is shown, which can be dragged. */
function draw_confidence_lane() {
  const lane = make("div", { className: "lane confidence", ariaHidden: "true" }, make("div", { id: "threshold" }));
  for (const event of events) {
    const style = { ...look(match.classes[event.class]), left: `${percent(event.half, event.seconds)}%`, bottom: `${100 * event.confidence}%` };
    const dot = make("i", { className: "sure", style });
    dot.dataset.id = event.id;
    dots.set(event.id, dot);
    lane.append(dot);
  }
  append_lane(make("div", { className: "lane-name confidence", textContent: "Confidence" }), lane);
}

function place(mark, event, lane) {
  marks.set(event.id, mark);
  mark.dataset.id = event.id;
  mark.style.left = `${percent(event.half, event.seconds)}%`;
  lane.append(mark);
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
      make("span", { className: "minute", textContent: minute_of(event) }),
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
    row.ariaLabel = [minute_of(event), one.name, row.querySelector(".bar")?.textContent, half_name(event.half), clock(event.seconds), hints[verdict]]
      .filter(Boolean)
      .join(", ");
    row.title = `${half_name(event.half)} ${clock(event.seconds)}`;
    const pick = make("input", { type: "checkbox", className: "pick", tabIndex: -1, checked: is_ticked(event) });
    pick.ariaLabel = `${minute_of(event)} ${one.name} in the reel`;
    pick.title = "In the reel (X)";
    pick.dataset.id = event.id;
    pick.hidden = event.confidence === undefined;
    return make("li", {}, pick, row);
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
  for (const event of events) {
    const { name } = match.classes[event.class];
    marks.get(event.id).hidden = !is_shown(event);
    marks.get(event.id).title = `${minute_of(event)} ${name}, ${Math.round(100 * event.confidence)} %`;
    dots.get(event.id).title = marks.get(event.id).title;
    dots.get(event.id).classList.toggle("unsure", !is_shown(event));
    dots.get(event.id).hidden = state.hidden.has(event.class);
  }
  for (const event of truth) {
    const { name } = match.classes[event.class];
    marks.get(event.id).hidden = state.hidden.has(event.class);
    marks.get(event.id).title = `${minute_of(event)} ${name}, ground truth${event.visible ? "" : " (not shown)"}`;
  }
  el("threshold").style.bottom = `${100 * slider()}%`;
  el("threshold").hidden = state.confidence === null; // then each class has its own
  for (const node of document.querySelectorAll("[data-lane]")) {
    node.classList.toggle("off", state.hidden.has(Number(node.dataset.lane)));
  }
  draw_list();
  draw_counts();
  draw_reel();
  draw_selection();
  draw_time();
}

function draw_selection() {
  for (const node of document.querySelectorAll(".selected")) node.classList.remove("selected");
  for (const node of document.querySelectorAll(`[data-id="${state.selected}"]`)) {
    node.classList.add("selected");
    if (node.classList.contains("row")) node.scrollIntoView({ block: "nearest" });
    else if (node.offsetParent) keep_in_view(node);
  }
  draw_reachable();
  draw_event();
  write_address();
}

function draw_time() {
  el("playhead").style.left = `${percent(state.half, state.seconds)}%`;
  const now = starts[state.half] + state.seconds;
  const length = match.halves[state.half].seconds;
  el("clock").replaceChildren(clock(state.seconds), make("small", { textContent: `of ${clock(length)}, ${half_name(state.half)}` }));
  el("timecode").textContent = timecode_of(state);
  draw_kick_off();
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
    el("caption").textContent = `${match.classes[nearest.event.class].name}  ${minute_of(nearest.event)}`;
    el("caption").style.borderColor = match.classes[nearest.event.class].on_dark;
  }
}
