// The axis of time: halves beside one another, zoom, a click that goes there.

const PICTURE_SECONDS = 1 / 25; // where nobody knows the rate of the video
const LONGEST_ZOOM = 64;

function picture_seconds() {
  const { code } = match.halves[state.half];
  return code ? code.rate[1] / code.rate[0] : PICTURE_SECONDS;
}

function append_lane(name, lane) {
  for (const start of starts.slice(1)) {
    lane.append(make("div", { className: "break", style: { left: `${(100 * start) / total}%` } }));
  }
  el("names").append(name);
  el("lanes").append(lane);
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
        path += `M${x.toFixed(2)} ${top}v${-Math.min(top, votes[at + 1])}h${step}V${top}z`;
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
    for (let at = 0; at * 60 + kick_offs[index] < half.seconds; at += minutes) {
      const seconds = at * 60 + kick_offs[index];
      if (seconds < 0) continue;
      // The last of a half must leave room for the first of the next.
      if (at && index + 1 < match.halves.length && (wide * (half.seconds - seconds)) / total < 30) break;
      const tick = make("span", { className: "tick", style: { left: `${percent(index, seconds)}%` } });
      const minute = (half.period.first_minute ?? 0) + at;
      tick.textContent = Number.isInteger(at) ? `${minute}'` : `${clock(60 * minute)}`;
      el("axis").append(tick);
    }
  });
}

function keep_in_view(node) {
  const scroller = el("scroller");
  const names = el("names").offsetWidth;
  const x = node.offsetLeft + names;
  if (x < scroller.scrollLeft + names || x > scroller.scrollLeft + scroller.clientWidth - 20) {
    scroller.scrollLeft = x - (scroller.clientWidth + names) / 2;
  }
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
  if (event.button !== 0 || event.target.closest("[data-id], #threshold")) return;
  seek_to_pointer(event);
  el("track").setPointerCapture(event.pointerId);
});
el("track").addEventListener("pointermove", (event) => {
  if (el("track").hasPointerCapture(event.pointerId)) seek_to_pointer(event);
});
el("scroller").addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8);
  },
  { passive: false },
);
el("zoom-in").onclick = () => zoom(2);
el("zoom-out").onclick = () => zoom(0.5);
el("zoom-fit").onclick = () => zoom(0);
window.addEventListener("resize", () => zoom(1));
