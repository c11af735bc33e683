// What people set and the browser keeps: when a half was kicked off.

const KICK_OFF = /^(-?)(?:(\d+):)?(\d+(?:\.\d+)?)$/;

function set_kick_off(half, seconds) {
  kick_offs[half] = Math.round(1000 * seconds) / 1000;
  const by_number = Object.fromEntries(match.halves.map(({ number }, index) => [number, kick_offs[index]]));
  const is_kept = keep("kick-off", by_number);
  refresh();
  draw_axis();
  draw_kick_off();
  say(
    `${half_name(half)}: minutes count from ${el("kick-off").value}` +
      (is_kept ? "" : "; this browser keeps it until the page is closed"),
  );
}

function draw_kick_off() {
  const seconds = kick_offs[state.half];
  const text = exact_clock(Math.abs(seconds)).replace(/\.?0+$/, "");
  if (document.activeElement !== el("kick-off")) el("kick-off").value = `${seconds < 0 ? "-" : ""}${text}`;
}

function read_kick_off() {
  const found = el("kick-off").value.trim().match(KICK_OFF);
  const seconds = found && (found[1] ? -1 : 1) * (60 * Number(found[2] || 0) + Number(found[3]));
  el("kick-off").blur();
  if (found && Math.abs(seconds) < match.halves[state.half].seconds) set_kick_off(state.half, seconds);
  else {
    draw_kick_off();
    say("Kick-off is a time in the video of the half: minutes and seconds, such as 0:42; with - before it starts");
  }
}

el("kick-off").addEventListener("change", read_kick_off);
el("kick-off-here").onclick = () => set_kick_off(state.half, state.seconds);
