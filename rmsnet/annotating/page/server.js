// What the server keeps, and what is on its way there. Nothing that was done here is forgotten before it is kept.

const POLL_MS = 1000;
const RETRY_MS = 2000;

const labels = { version: 0, marks: new Map(), kick_offs: [], status: {} };
const waiting = []; // {key, path, body, changes} in order; the first is under way
let sending = false;
let away = ""; // why the server does not keep anything at the moment
let refusal = null; // the edit that was refused last

const WAITING = `waiting ${match.file} ${match.title}`;
const new_key = () => crypto.randomUUID().replaceAll("-", "").slice(0, 12);

/** The marks as they will be when everything is kept. */
function view() {
  return waiting.reduce((marks, { changes }) => applied(marks, changes), labels.marks);
}

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { cache: "no-store", ...options });
  const told = await answer.json();
  return { status: answer.status, told };
}

function take_status(told) {
  const { steps, marks, kick_offs, ...status } = told;
  labels.status = status;
}

async function load() {
  const { told } = await ask("state");
  labels.marks = new Map(Object.entries(told.marks));
  labels.version = told.version;
  labels.kick_offs = told.kick_offs;
  take_status(told);
  for (const one of kept(WAITING, [], "")) waiting.push(one);
}

/** What was done since, here and elsewhere. */
async function catch_up() {
  const { status, told } = await ask(`since/${labels.version}`);
  if (status !== 200) throw new Error(told.error);
  const before = labels.version;
  for (const step of told.steps) {
    if (step.version <= labels.version) continue; // another answer was faster
    labels.marks = applied(labels.marks, step.changes);
    labels.version = step.version;
    const mine = waiting.findIndex(({ key }) => key === step.key);
    if (mine >= 0) forget(mine);
    if (step.kick_offs) reload_when_kept();
    if (step.act === "elsewhere") say_elsewhere(step);
    else if (mine < 0 && !own.delete(step.key)) say(`Done in another window: ${step.what}`);
  }
  take_status(told);
  return labels.version !== before;
}

const own = new Set(); // keys of what was done here

function say_elsewhere({ changes }) {
  const count = (test) => changes.filter(test).length;
  const parts = [];
  const plus = count(({ before }) => before === null);
  const minus = count(({ after }) => after === null);
  if (plus) parts.push(`${plus} added`);
  if (minus) parts.push(`${minus} taken away`);
  if (!parts.length) return;
  notice(`${match.file} was edited elsewhere: ${parts.join(", ")}. It is taken over here, beside what was done on this page; Undo takes it back.`);
}

/** What waits in the browser's storage, which other tabs of the match share: this one adds and takes away its own. */
const store_waiting = (change) => keep(WAITING, change(kept(WAITING, [], "")), "");

function forget(place) {
  const [{ key }] = waiting.splice(place, 1);
  store_waiting((all) => all.filter((one) => one.key !== key));
}

/** Do something: shown at once, kept as soon as the server can. */
function post(path, body, changes = []) {
  const one = { key: new_key(), path, body, changes };
  own.add(one.key);
  waiting.push(one);
  store_waiting((all) => [...all, one]);
  redraw();
  send();
}

const edit = (what, changes, kick_offs = null) => post("edit", { what, changes, kick_offs }, changes);

async function send() {
  if (sending) return;
  sending = true;
  try {
    while (waiting.length) {
      const one = waiting[0];
      const version = one.path === "edit" ? {} : { version: labels.version };
      const { status, told } = await ask(one.path, { ...one.body, ...version, key: one.key });
      if (status === 409) {
        forget(waiting.indexOf(one));
        refusal = one;
        await catch_up();
        notice(`${told.error} (version ${told.version}). Yours was not made${one.path === "edit" ? "." : "; try again."}`, one.path === "edit");
      } else if (status === 507 || status >= 500 || status === 403) {
        throw new Error(told.error);
      } else if (status >= 400) {
        forget(waiting.indexOf(one));
        say(told.error);
      } else {
        own.add(one.key);
        await catch_up();
        const place = waiting.indexOf(one);
        if (place >= 0) forget(place);
      }
      away = "";
      redraw();
    }
  } catch (error) {
    away = error instanceof TypeError ? "the server does not answer" : error.message;
    setTimeout(send, RETRY_MS);
  } finally {
    sending = false;
    redraw();
  }
}

async function poll() {
  try {
    if (!document.hidden && !sending && !waiting.length) {
      const was = JSON.stringify(labels.status);
      const is_new = await catch_up();
      if (away || is_new || JSON.stringify(labels.status) !== was) {
        away = "";
        redraw();
      }
      await look_at_jobs();
    }
  } catch (error) {
    away = error instanceof TypeError ? "the server does not answer" : error.message;
    draw_kept();
  }
  setTimeout(poll, POLL_MS);
}

function undo() {
  const last = waiting.at(-1);
  if (last?.path === "edit" && (waiting.length > 1 || !sending)) {
    forget(waiting.length - 1); // it was not kept yet
    redraw();
  } else post("undo", {});
}
const redo = () => post("redo", {});

function reload_when_kept() {
  if (waiting.length) setTimeout(reload_when_kept, 100);
  else location.reload();
}

/** Whether everything is kept, for eyes and ears. */
function draw_kept() {
  const { problem, lost, jobs } = labels.status;
  const count = waiting.length;
  let text = "All changes are kept";
  if (away) text = `Not kept: ${away}. ${count ? `${count} change${count > 1 ? "s" : ""} wait${count > 1 ? "" : "s"} here and` : "It"} will be tried again`;
  else if (problem) text = `Kept in the journal, not yet in ${match.file}: ${problem}; it will be tried again`;
  else if (count) text = "Keeping …";
  else if (lost?.length) text = `All changes are kept; ${match.form} does not hold: ${lost.join(", ")}`;
  const working = Object.values(jobs || {}).filter((job) => !job.ended);
  if (working.length && !away && !problem) text += ` · making ${working[0].name}${working[0].done ? ` ${Math.round(100 * working[0].done)} %` : ""}`;
  const failed = Object.values(jobs || {}).find((job) => job.problem);
  if (failed && !away && !problem) text += ` · no ${failed.name}: ${failed.problem}`;
  if (el("kept").textContent !== text) el("kept").textContent = text;
  el("kept").classList.toggle("bad", Boolean(away || problem));
}

function notice(text, with_mine = false) {
  el("notice-text").textContent = text;
  el("notice-keep").hidden = !with_mine || !refusal.changes.some(({ after }) => after);
  el("notice").hidden = false;
}

el("notice-close").onclick = () => (el("notice").hidden = true);
el("notice-keep").onclick = () => {
  el("notice").hidden = true;
  edit("add mine as well", refusal.changes.filter(({ after }) => after).flatMap(({ after }) => added(new_key(), after)));
};
window.addEventListener("beforeunload", (event) => {
  if (waiting.length) event.preventDefault();
});
