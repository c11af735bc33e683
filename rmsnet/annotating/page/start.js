/** Go where the address leads: to an event, or to a moment. */
function open_address(hash) {
  const moment = moment_of(hash);
  if (!moment) return;
  const there = rows.filter((row) => row.half === moment.half && Math.abs(row.seconds - moment.seconds) < 0.0005);
  const row = there.find((one) => word(match.classes[one.class].name) === moment.word) || there[0];
  if (row) choose(row.id);
  else seek(moment.half, moment.seconds);
}

async function start() {
  set_look(kept("look", null, ""));
  draw_header();
  draw_buttons();
  draw_class_keys();
  draw_lanes();
  draw_looks();
  watch_pictures();
  await load();
  redraw();
  seek(0, 0);
  draw_axis();
  await look_at_jobs();
  if (match.looks.length && !location.hash) next_look();
  else open_address(location.hash);
  send();
  setTimeout(poll, POLL_MS);
  document.documentElement.dataset.ready = "yes";
}

window.addEventListener("hashchange", () => open_address(location.hash));
start().catch((error) => notice(`The page cannot be filled: ${error.message}`));
