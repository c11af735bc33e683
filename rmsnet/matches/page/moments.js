"use strict";
// Moments of the match: their minutes, time codes and addresses. All that the page shows comes from the JSON in #match.

const match = JSON.parse(document.getElementById("match").textContent);

/** What this browser keeps between visits, of this page or of all; where it keeps nothing, what stands in instead. */
function kept(name, otherwise, page = location.pathname) {
  try {
    return JSON.parse(localStorage.getItem(`rmsnet ${name} ${page}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name, value, page = location.pathname) {
  try {
    localStorage.setItem(`rmsnet ${name} ${page}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

const two = (number) => String(number).padStart(2, "0");
const clock = (seconds) => {
  const whole = Math.floor(seconds + 1e-6);
  return `${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
};
/** With milliseconds: what a moment is named by where there is no time code. */
const exact_clock = (seconds) => {
  const ms = Math.round(1000 * seconds);
  return `${clock(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}`;
};

// When each half was kicked off, in seconds from its start: what people say, else its start.
const kick_offs = match.halves.map((half) => Number(kept("kick-off", {})[half.number]) || 0);

/** A time as people say it: 67', 45+2' in added time, or Q3 4:11 where each period has its own clock. */
function minute_of({ half, seconds }) {
  const { name, minutes, first_minute } = match.halves[half].period;
  const since_ms = Math.round(1000 * seconds) - Math.round(1000 * kick_offs[half]);
  const before = name ? `${name} ` : "";
  if (first_minute === null) {
    const whole = Math.max(0, Math.floor(since_ms / 1000));
    return `${before}${Math.floor(whole / 60)}:${two(whole % 60)}`;
  }
  const minute = Math.floor(since_ms / 60_000) + 1;
  const extra = minute - Math.round(minutes);
  return `${before}${extra > 0 ? `${first_minute + Math.round(minutes)}+${extra}` : first_minute + Math.max(minute, 0)}'`;
}

/** The frame that is shown at a moment, counted from the first of its video. */
function frame_of({ half, seconds }) {
  const { rate, first_ms, frames } = match.halves[half].code;
  const frame = Math.floor(((Math.round(1000 * seconds) - first_ms + 0.5) * rate[0]) / (1000 * rate[1]));
  return Math.min(Math.max(frame, 0), frames - 1);
}

/** The time code of a moment in its video: frame-exact, with ; where it is drop-frame. */
function timecode_of(moment) {
  const { code } = match.halves[moment.half];
  if (!code) return exact_clock(moment.seconds);
  const { labels, start, drop } = code;
  let label = start + frame_of(moment);
  if (drop) {
    // The labels 00 and 01 (at 59.94 also 02 and 03) of each minute but every tenth are left out.
    const dropped = labels / 15;
    const minute = 60 * labels - dropped;
    const ten = 10 * minute + dropped;
    label += dropped * (9 * Math.floor(label / ten) + Math.floor(Math.max(0, (label % ten) - dropped) / minute));
  }
  label %= 24 * 3600 * labels;
  const seconds = Math.floor(label / labels);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${parts}${drop ? ";" : ":"}${two(label % labels)}`;
}

/** A name as it stands in an address. */
const word = (text) => encodeURIComponent(text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-"));

/** What stands behind the page's address when it opens at an event: #1-22:31.480-goal. */
const hash_of = (event) =>
  `#${match.halves[event.half].number}-${exact_clock(event.seconds)}-${word(match.classes[event.class].name)}`;

/** The moment, and the word of a class, that such an address names; null: none of this match. */
function moment_of(hash) {
  const found = hash.match(/^#(\d+)-(\d+):(\d\d(?:\.\d+)?)(?:-(.*))?$/);
  if (!found) return null;
  const half = match.halves.findIndex(({ number }) => number === Number(found[1]));
  const seconds = 60 * Number(found[2]) + Number(found[3]);
  return half >= 0 && seconds <= match.halves[half].seconds ? { half, seconds, word: found[4] } : null;
}
