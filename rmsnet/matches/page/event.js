// The selected event: its time code, its link, its clip.

/** One moment, written alike for people and for a sheet. */
const words_of = (event) => [
  match.halves[event.half].number,
  timecode_of(event),
  minute_of(event),
  match.classes[event.class].name,
  event.confidence === undefined ? "truth" : `${Math.round(100 * event.confidence)} %`,
];

function draw_event() {
  const event = all.get(state.selected);
  el("event").hidden = !event;
  if (!event) return;
  const one = match.classes[event.class];
  el("event-name").textContent = `${one.name} ${minute_of(event)}`;
  el("event-at").textContent = `${half_name(event.half)} ${clock(event.seconds)}`;
  el("copy-code").textContent = timecode_of(event);
  el("clip").hidden = !event.clip;
  if (event.clip) el("clip").href = encodeURI(event.clip);
}

/** The address of the page leads to the selected event. */
function write_address() {
  const event = all.get(state.selected);
  try {
    history.replaceState(null, "", event ? hash_of(event) : location.pathname + location.search);
  } catch {
    // A page inside another has no address of its own.
  }
}

/** Go where the address leads: to an event, which is shown then whatever the filters say, or to a moment. */
function open_address(hash = location.hash) {
  const moment = moment_of(hash);
  if (!moment) return;
  const there = [...all.values()].filter(
    (event) => event.half === moment.half && Math.abs(event.seconds - moment.seconds) < 0.0005,
  );
  const event = there.find((event) => word(match.classes[event.class].name) === moment.word) || there[0];
  if (!event) {
    seek(moment.half, moment.seconds);
    return;
  }
  state.hidden.delete(event.class);
  if (event.confidence !== undefined && !is_sure(event)) state.confidence = Math.floor(100 * event.confidence) / 100;
  refresh();
  select(event.id);
}

el("copy-code").onclick = () => copy(timecode_of(all.get(state.selected)));
el("copy-link").onclick = () => {
  const address = location.href.split("#")[0] + hash_of(all.get(state.selected));
  copy(address, "the link");
};
el("timecode").onclick = () => copy(timecode_of(state));
window.addEventListener("hashchange", () => open_address());
