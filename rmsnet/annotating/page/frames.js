// The picture that is shown, by the decoder's own time: what is saved is what comes back.

let painted = null; // seconds on the clock of the video, of the picture on the screen; null: none since the last jump
let painted_before = null; // of the picture before the jump, which may have led to the same one
const SHARE_OF_PICTURE = 0.25; // so far into a picture is gone to, so that rounding never shows the one before it
const LARGEST_STEP = 0.004;
const SAME_PICTURE_MS = 400; // a browser paints nothing where the picture is the same
const LONGEST_MS = 10_000; // a busy machine takes its time

function watch_pictures() {
  video.requestVideoFrameCallback?.((_, { mediaTime }) => {
    if (!video.seeking) painted = mediaTime;
    watch_pictures();
  });
}
video.addEventListener("seeking", () => {
  painted_before = painted ?? painted_before;
  painted = null;
});
video.addEventListener("emptied", () => (painted = painted_before = null));

/** What waits for a picture is done one after the other, in the order in which it was asked for. */
let turn = Promise.resolve();
const in_turn =
  (act) =>
  (...given) =>
    (turn = turn.then(() => act(...given)));

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const half_of = (number) => match.halves.findIndex((half) => half.number === number);
const inside = () => Math.min(SHARE_OF_PICTURE * picture_seconds(), LARGEST_STEP);

/** Where the picture that is shown begins, on the clock of the video, once it is known which it is. */
async function begin_of_picture() {
  let waited = 0;
  for (let still = 0; waited < LONGEST_MS; waited += 10) {
    if (painted !== null && !video.seeking) return painted;
    still = video.seeking ? 0 : still + 10;
    const since = video.currentTime - painted_before;
    if (still > SAME_PICTURE_MS && painted_before !== null && since >= 0 && since < picture_seconds()) return painted_before;
    if (!video.requestVideoFrameCallback && still) break;
    await pause(10);
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
