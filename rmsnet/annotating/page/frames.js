// The picture that is shown, by the decoder's own time: what is saved is what comes back.

let painted = null; // seconds on the clock of the video, of the picture that was painted last; null: none yet
let arrived = false; // whether that is the picture to which the video was sent last
const SHARE_OF_PICTURE = 0.25; // so far into a picture is gone to, so that rounding never shows the one before it
const LARGEST_STEP = 0.004;
const SAME_PICTURE_MS = 400; // a browser paints nothing where the picture is the same
const LONGER_PICTURE_MS = 1500; // where none follows for so long, a picture lasts longer than the rate says
const LONGEST_MS = 10_000; // a busy machine takes its time

/** Whether a video that is at a moment shows the picture that begins at another, by the rate of the file. */
function is_within(moment, begin) {
  const since = moment - begin;
  return since >= 0 && since < picture_seconds();
}

/**
 * A video says that it has arrived before or after its picture is painted, and a busy browser tells of the picture that
 * was left when it has: only a picture that lies where the video was sent is the one that is meant.
 */
function watch_pictures() {
  video.requestVideoFrameCallback?.((_, { mediaTime }) => {
    painted = mediaTime;
    arrived ||= is_within(video.currentTime, painted);
    watch_pictures();
  });
}
video.addEventListener("seeking", () => (arrived = false));
video.addEventListener("emptied", () => {
  painted = null;
  arrived = false;
});

/** What waits for a picture is done one after the other, in the order in which it was asked for, whatever fails. */
let turn = Promise.resolve();
const in_turn =
  (act) =>
  (...given) =>
    (turn = turn.then(() => act(...given)).catch(reportError));

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const half_of = (number) => match.halves.findIndex((half) => half.number === number);
const inside = () => Math.min(SHARE_OF_PICTURE * picture_seconds(), LARGEST_STEP);

/** Where the picture that is shown begins, on the clock of the video, once it is known which it is. */
async function begin_of_picture() {
  const began = performance.now();
  for (let still_since = began; ; await pause(10)) {
    const now = performance.now();
    if (video.seeking) still_since = now;
    else if (painted !== null) {
      const fits = is_within(video.currentTime, painted);
      const enough = arrived && (fits || !video.paused) ? 0 : fits ? SAME_PICTURE_MS : LONGER_PICTURE_MS;
      if (now - still_since >= enough) return painted;
    } else if (!video.requestVideoFrameCallback) break;
    if (now - began > LONGEST_MS) break;
  }
  // A browser that does not say which: the pictures come at the rate of the file.
  const { code, video_start } = match.halves[state.half];
  if (!code) return video.currentTime;
  const first = video_start + code.first_ms / 1000;
  return first + Math.floor((video.currentTime - first) / picture_seconds() + 1e-3) * picture_seconds();
}

/** Second of the recording, on its own clock, at which the picture that is shown begins; null: there is none. */
async function picture_time() {
  if (!loaded || video.readyState === 0 || !el("no-video").hidden) return null;
  return (await begin_of_picture()) - match.halves[state.half].clock_start;
}

/** The moment that is shown: half, milliseconds in it, and the decoder's time as a text. */
async function shown_moment() {
  const half = match.halves[state.half];
  const seconds = await picture_time();
  if (seconds === null) return { half: half.number, position_ms: Math.round(1000 * state.seconds), video_time: null };
  const position_ms = Math.max(0, Math.round(1000 * (seconds - half.start)));
  return { half: half.number, position_ms, video_time: seconds.toFixed(6) };
}

/** Seconds in its half to go to so that a mark's picture is shown. */
function place_of(mark) {
  const half = match.halves[half_of(mark.half)];
  const of_video = Number(mark.extra?.video_time ?? NaN) - half.start;
  if (Math.abs(1000 * of_video - mark.position_ms) <= 1) return Math.max(0, of_video + inside() - 0.0005);
  return mark.position_ms / 1000;
}

/** Some pictures on, or back. */
async function go_pictures(count) {
  video.pause();
  const half = match.halves[state.half];
  const before = await picture_time();
  if (before === null) {
    seek(state.half, state.seconds + count * picture_seconds());
    return;
  }
  for (let further = 0; further < 5; further++) {
    const way = (count + Math.sign(count) * further) * picture_seconds();
    const to = Math.max(0, before + way + inside() - half.start - 0.0005);
    seek(state.half, to);
    if ((await picture_time()) !== before || to === 0) return;
  }
}

const step_pictures = in_turn(go_pictures);
