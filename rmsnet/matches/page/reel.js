// The reel: events that are shown and ticked, played one after the other, saved for `rmsnet spot --reel-events`.

const ticked = new Map(Object.entries(kept("reel", {}))); // name of an event -> whether it is in the reel
const name_in_reel = (event) => hash_of(event).slice(1);
const is_ticked = (event) => ticked.get(name_in_reel(event)) ?? match.classes[event.class].in_reel;
const chosen = () => listed().filter((event) => event.confidence !== undefined && is_ticked(event));

function tick(event, yes) {
  ticked.set(name_in_reel(event), yes);
  keep("reel", Object.fromEntries(ticked));
  draw_list();
  draw_reel();
}

/** Stretches of the halves around the chosen events; those that overlap are one, so that nothing is shown twice. */
function stretches() {
  const joined = [];
  for (const { half, seconds, class: index } of chosen()) {
    const { before, after } = match.classes[index];
    const one = { half, start: Math.max(0, seconds - before), end: Math.min(match.halves[half].seconds, seconds + after) };
    const last = joined.at(-1);
    if (last && last.half === half && one.start < last.end) {
      last.start = Math.min(last.start, one.start);
      last.end = Math.max(last.end, one.end);
    } else joined.push(one);
  }
  return joined;
}

let reel = null; // what is left of the reel that is being played, the present stretch first

function toggle_reel() {
  if (reel) {
    stop_reel();
    return;
  }
  const parts = stretches();
  const at = starts[state.half] + state.seconds;
  const ahead = parts.findIndex(({ half, end }) => starts[half] + end > at + 0.1);
  play_stretches(parts.slice(Math.max(0, ahead)));
}

function play_stretches(parts) {
  if (!parts.length) {
    stop_reel();
    return;
  }
  reel = parts;
  state.selected = null;
  draw_selection();
  seek(parts[0].half, parts[0].start);
  playing = true;
  if (video.readyState > 0) play();
  draw_reel();
}

function stop_reel() {
  reel = null;
  playing = false;
  video.pause();
  draw_reel();
}

/** On to the next stretch where one ends. */
function follow_reel() {
  if (!reel || video.seeking || wanted !== null) return;
  if (state.half !== reel[0].half) leave_reel();
  else if (state.seconds >= reel[0].end - 0.02 || video.ended) play_stretches(reel.slice(1));
}

function leave_reel() {
  reel = null;
  draw_reel();
}

// Who goes somewhere else has left the reel; a look back within a stretch is none.
video.addEventListener("seeking", () => {
  if (!reel || state.half !== reel[0].half) return;
  const seconds = video.currentTime - start_in_video();
  if (seconds < reel[0].start - 1 || seconds > reel[0].end + 1) leave_reel();
});

function draw_reel() {
  const seconds = stretches().reduce((sum, { start, end }) => sum + end - start, 0);
  const count = chosen().length;
  el("play-reel").textContent = reel ? "Stop reel" : "Play reel";
  el("play-reel").ariaPressed = String(Boolean(reel));
  for (const id of ["play-reel", "copy-list", "save-reel"]) el(id).disabled = !count;
  el("reel-length").textContent = `${count} · ${clock(seconds)}`;
  el("reel-length").title = `${count} events, ${clock(seconds)} long`;
}

const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);

/** The chosen events as in events.csv. */
function reel_table() {
  const rows = chosen().map((event) => [
    match.halves[event.half].number,
    clock(event.seconds),
    minute_of(event),
    event.ms,
    match.classes[event.class].label,
    event.confidence,
  ]);
  return [["half", "time", "minute", "position_ms", "label", "confidence"], ...rows]
    .map((row) => row.map(quoted).join(",") + "\n")
    .join("");
}

function save_reel() {
  const href = URL.createObjectURL(new Blob([reel_table()], { type: "text/csv" }));
  make("a", { href, download: `${match.title} reel.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

el("play-reel").onclick = toggle_reel;
el("save-reel").onclick = save_reel;
el("copy-list").onclick = () => {
  const rows = chosen().map(words_of);
  copy(rows.map((row) => row.join("\t")).join("\n"), `${rows.length} time codes`);
};
el("reel-file").hidden = !match.reel;
if (match.reel) el("reel-file").href = match.reel;
el("events").addEventListener("change", (event) => {
  const { id } = event.target.dataset;
  if (event.target.matches(".pick")) tick(all.get(id), event.target.checked);
});
