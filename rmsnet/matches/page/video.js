// The video of the half that is shown, and the page's time, which is the video's.

let loaded; // address of the video that is loaded; null: there is none
let wanted = null; // seconds to go to once it is
let playing = false; // whether to go on playing in a video that is being loaded

/**
 * Where the half begins on the clock of its video. Positions are rounded to milliseconds: half of one later a player
 * shows the frame that was meant, never the one before it.
 */
const start_in_video = () => match.halves[state.half].video_start + 0.0005;

/** Show a moment of the match; the video follows, a new one is loaded where the half changes. */
function seek(half, seconds) {
  state.half = half;
  state.seconds = Math.min(Math.max(seconds, 0), match.halves[half].seconds);
  show_video();
  if (loaded && video.readyState > 0) go_to(state.seconds);
  else wanted = state.seconds;
  draw_time();
}

/** Chromium paints the picture of a video that stands still for certain only where somebody waits for it. */
function go_to(seconds) {
  video.requestVideoFrameCallback?.(() => {});
  video.currentTime = seconds + start_in_video();
}

function show_video() {
  const address = match.halves[state.half].video;
  if (address === loaded && !el("no-video-reason").dataset.broken) return;
  playing = !video.paused && !video.ended;
  loaded = address;
  wanted = state.seconds;
  if (address) {
    no_video(null);
    video.src = address;
  } else {
    video.removeAttribute("src");
    video.load();
    no_video(match.halves[state.half].video_remark || `${half_name(state.half)}: there is no video of it beside this page.`);
  }
}

function no_video(reason, broken = false) {
  el("no-video").hidden = reason === null;
  el("no-video-reason").textContent = reason || "";
  if (broken) el("no-video-reason").dataset.broken = "yes";
  else delete el("no-video-reason").dataset.broken;
}

video.addEventListener("loadedmetadata", () => {
  if (wanted !== null) go_to(wanted);
  wanted = null;
  if (playing) play();
  const { seekable } = video;
  if (video.duration > 1 && !(seekable.length && seekable.end(seekable.length - 1) > 1)) {
    no_video("The server that this page came from sends videos from their start only (it answers no range requests), so that " +
      "no event can be shown. Open the page from disk, use another server, or open the video here.");
  }
});
video.addEventListener("error", () => {
  if (!loaded) return;
  const name = decodeURIComponent(loaded.split("/").pop());
  no_video(`This browser cannot play ${name}: it is not where it was, or of a kind the browser does not know.`, true);
});
for (const name of ["timeupdate", "seeking"]) video.addEventListener(name, follow);
video.addEventListener("play", () => {
  el("play").textContent = "Pause";
  const tick = () => {
    follow();
    if (!video.paused) requestAnimationFrame(tick);
  };
  tick();
});
video.addEventListener("pause", () => (el("play").textContent = "Play"));
video.addEventListener("ended", () => {
  if (reel) follow_reel();
  else if (state.half + 1 < match.halves.length) {
    seek(state.half + 1, 0);
    playing = true;
  }
});

/** The page's time is the video's, unless the video is still on its way to another one. */
function follow() {
  if (!loaded || wanted !== null || video.readyState === 0 || !el("no-video").hidden) return;
  const here = video.currentTime - start_in_video();
  const { seconds } = match.halves[state.half];
  // Where one file holds the match, what lies between two periods is left out.
  if (!reel && !video.paused && here > seconds && match.halves[state.half + 1]?.video === loaded) seek(state.half + 1, 0);
  else state.seconds = Math.min(Math.max(here, 0), seconds);
  draw_time();
  follow_reel();
}

const play = () => video.play().catch(() => {}); // refused without a gesture, or interrupted by a seek

function toggle_play() {
  if (video.paused) play();
  else video.pause();
}

function open_file(file) {
  const half = match.halves[state.half];
  if (file.name !== half.video_name) {
    half.video_start = 0; // another file is taken for the half itself
    half.code = null;
  }
  half.video = URL.createObjectURL(file);
  loaded = null;
  show_video();
}
