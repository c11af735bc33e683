// The selected event: what it is, and what can be done with it.

const TIME = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d{1,3})?)$/;

function draw_chosen() {
  const row = chosen();
  el("chosen").hidden = !row;
  if (!row) return;
  const { mark, suggestion } = row;
  for (const id of ["accept", "refuse"]) el(id).hidden = !suggestion;
  for (const id of ["unsure", "delete", "move", "earlier", "later"]) el(id).hidden = !mark;
  el("chosen-team").disabled = el("chosen-time").disabled = Boolean(suggestion);
  const active = document.activeElement;
  if (active !== el("chosen-label")) el("chosen-label").value = match.classes[row.class].label;
  if (active !== el("chosen-time")) el("chosen-time").value = exact_clock(row.seconds);
  if (active !== el("chosen-team")) el("chosen-team").value = mark?.team || "";
  if (mark) el("unsure").ariaPressed = String(is_unsure(mark));
  el("loop").ariaPressed = String(reel);
}

/** The stretch of a half around an event, as much before and behind it as its class has. */
function around(row) {
  const { before, after } = match.classes[row.class];
  return { half: row.half, start: Math.max(0, row.seconds - before), end: Math.min(match.halves[row.half].seconds, row.seconds + after) };
}

function toggle_loop() {
  const row = chosen();
  reel = !reel && Boolean(row);
  draw_chosen();
  if (reel) choose(row.id);
  say(reel ? "Again and again" : row ? "Played once" : "Select an event to play it again and again");
}

/** At the end of the stretch it begins anew; with no event selected there is none. */
function follow_reel() {
  const row = reel && chosen();
  if (!row) reel = false;
  else if (!video.paused || video.ended) {
    const { half, start, end } = around(row);
    if (state.half === half && state.seconds < end && !video.ended) return;
    seek(half, start);
    playing = true;
    if (video.readyState > 0) play();
  }
}

function choose(id, from_lead = reel) {
  const row = rows.find((one) => one.id === id);
  if (!row) return;
  state.selected = id;
  const place = place_of(row.mark || row.suggestion);
  seek(row.half, from_lead ? around(row).start : place);
  draw_chosen();
  draw_selection();
  history.replaceState(null, "", hash_of(row));
  if (from_lead) {
    playing = true;
    if (video.readyState > 0) play();
  }
}

/** The next (or previous) in the list for which something holds: from the selected one, else from the present time. */
function go(direction, test = () => true) {
  const at = rows.findIndex(({ id }) => id === state.selected);
  const now = starts[state.half] + state.seconds;
  const ahead = (row) => (starts[row.half] + row.seconds - now) * direction > 0;
  const order = direction > 0 ? rows : rows.toReversed();
  const place = direction > 0 ? at : rows.length - 1 - at;
  const found = at >= 0 ? order.slice(place + 1).find(test) : order.find((row) => ahead(row) && test(row));
  if (found) choose(found.id);
  return Boolean(found);
}

function next_unsure() {
  if (!go(1, is_open) && !rows.some((row) => is_open(row) && choose_first(row))) say("Nothing is unsure, and no suggestion is left");
}
function choose_first(row) {
  choose(row.id);
  return true;
}

const add = in_turn(async (index) => {
  const mark = mark_at(await shown_moment(), match.classes[index].label);
  const id = new_key();
  state.selected = id;
  state.hidden.delete(index);
  edit(`add ${match.classes[index].name}`, added(id, mark));
  say(`Added: ${match.classes[index].name} at ${exact_clock(mark.position_ms / 1000)}`);
});

/** An answer to the selected suggestion; the selection goes on to the next one. */
function answer(origin) {
  const row = chosen();
  if (!row?.suggestion) return;
  const { suggestion } = row;
  const after = rows.slice(rows.indexOf(row) + 1).find((one) => one.suggestion);
  const extra = { [ORIGIN]: origin, suggested_by: said.by, suggestion: suggestion.key };
  const mark = mark_at({ ...suggestion, video_time: null }, suggestion.label, extra);
  const id = new_key();
  edit(`${origin === "refused" ? "refuse" : "accept"} ${match.classes[row.class].name}`, added(id, mark));
  if (after) choose(after.id);
  else if (origin === "suggested") choose(id);
  say(`${origin === "refused" ? "Refused" : "Accepted"}: ${words_of(row)}`);
}

function change(what, fields) {
  const row = chosen();
  if (row?.mark) edit(`${what} ${match.classes[row.class].name}`, changed(row.id, row.mark, fields));
}

async function move_to_picture() {
  const moment = await shown_moment();
  const row = chosen();
  if (!row?.mark) return;
  edit(`move ${match.classes[row.class].name}`, changed(row.id, row.mark, moved(row.mark, moment)));
  say(`Moved to ${exact_clock(moment.position_ms / 1000)}`);
}
const move_here = in_turn(move_to_picture);

/** The selected event to the picture before or behind its own. */
const nudge = in_turn(async (direction) => {
  const row = chosen();
  if (!row?.mark) return;
  seek(row.half, place_of(row.mark));
  await go_pictures(direction);
  await move_to_picture();
});

function relabel(index) {
  const row = chosen();
  if (!row) return;
  const { label, name } = match.classes[index];
  if (row.suggestion) {
    const extra = { [ORIGIN]: "suggested", suggested_by: said.by, suggestion: row.suggestion.key };
    const id = new_key();
    state.selected = id;
    edit(`accept as ${name}`, added(id, mark_at({ ...row.suggestion, video_time: null }, label, extra)));
  } else if (row.mark.label !== label) change(`relabel as ${name}:`, { label });
  else return;
  say(`Now ${name}`);
}

function toggle_unsure() {
  const row = chosen();
  if (!row?.mark) return;
  const unsure = !is_unsure(row.mark);
  change(unsure ? "unsure" : "sure", with_extra(row.mark, { [UNSURE]: unsure ? "yes" : null }));
  say(unsure ? "Marked as unsure" : "No longer unsure");
}

function remove() {
  const row = chosen();
  if (!row?.mark) return;
  const place = rows.indexOf(row);
  const { suggestion } = row.mark.extra;
  // What a model has suggested stays refused, or it would come again.
  const refused = suggestion ? changed(row.id, row.mark, with_extra(row.mark, { [ORIGIN]: "refused" })) : deleted(row.id, row.mark);
  edit(`delete ${match.classes[row.class].name}`, refused);
  say(`Deleted: ${words_of(row)}`);
  const near = rows[Math.min(place, rows.length - 1)];
  if (near) choose(near.id);
}

/** Where the selected event is, as people have typed it. */
function retime() {
  const row = chosen();
  const found = el("chosen-time").value.trim().match(TIME);
  const seconds = found && 3600 * Number(found[1] || 0) + 60 * Number(found[2] || 0) + Number(found[3].replace(",", "."));
  el("chosen-time").blur();
  if (!row?.mark || found === null || seconds > match.halves[row.half].seconds) {
    draw_chosen();
    say("A time in the half: minutes, seconds and thousandths, such as 12:34.560");
    return;
  }
  const moment = { half: row.mark.half, position_ms: Math.round(1000 * seconds), video_time: null };
  if (moment.position_ms === row.mark.position_ms) return;
  edit(`move ${match.classes[row.class].name}`, changed(row.id, row.mark, moved(row.mark, moment)));
  choose(row.id);
}

/** The half begins at another second of its recording; its events stay at their pictures. */
function set_kick_off(seconds) {
  const half = match.halves[state.half];
  const start = Math.round(1000 * seconds) / 1000;
  const changes = shifted(view(), half.number, Math.round(1000 * (half.start - start)), start);
  if (changes === null) {
    say("An event lies before that kick-off: move or delete it first");
    draw_kick_off();
    return;
  }
  const after = match.starts.map((one, index) => (index + 1 === half.number ? start : one));
  edit("kick-off", changes, [labels.kick_offs, after]);
}

function read_kick_off() {
  const found = el("kick-off").value.trim().match(TIME);
  el("kick-off").blur();
  if (found) set_kick_off(3600 * Number(found[1] || 0) + 60 * Number(found[2] || 0) + Number(found[3].replace(",", ".")));
  else {
    draw_kick_off();
    say("Kick-off is a time in the video: minutes and seconds, such as 0:42");
  }
}

el("kick-off").addEventListener("change", read_kick_off);
el("kick-off-here").onclick = async () => {
  const seconds = await picture_time();
  if (seconds === null) say("There is no picture to take the kick-off from");
  else set_kick_off(seconds);
};
