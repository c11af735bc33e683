"use strict";

const { classes, periods } = JSON.parse(document.getElementById("match").textContent);
const events = new Map();
const clips = new Map();
const open = new Set();
let now = { period: 0, seconds: 0 };
let over = false;

const byId = (id) => document.getElementById(id);

function element(name, kind, text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

function coloured(node, label) {
  node.style.setProperty("--on-light", classes[label].on_light);
  node.style.setProperty("--on-dark", classes[label].on_dark);
  return node;
}

function row(event) {
  const item = coloured(element("li", event.state), event.label);
  const name = element("span", "", classes[event.label].name);
  item.append(element("span", "minute", event.minute), name);
  item.append(element("span", "sure", `${event.state}, ${Math.round(100 * event.confidence)} %`));
  const clip = clips.get(event.id);
  const button = element("button", "", open.has(event.id) ? "Close" : "Clip");
  button.disabled = !clip;
  button.title = clip ? "" : "being cut";
  button.setAttribute("aria-label", `${button.textContent}: ${classes[event.label].name} ${event.minute}`);
  button.onclick = () => {
    if (!open.delete(event.id)) open.add(event.id);
    show(event.id);
  };
  item.append(button);
  if (clip && open.has(event.id)) {
    const video = element("video");
    video.src = clip;
    video.controls = video.autoplay = video.muted = true;
    item.append(video);
  }
  item.dataset.id = event.id;
  return item;
}

// One row changes: others may be playing.
function show(id) {
  const list = byId("events");
  const before = list.querySelector(`[data-id="${id}"]`);
  const event = events.get(id);
  if (before && event) before.replaceWith(row(event));
  else if (before) before.remove();
  else if (event) {
    const later = (item) => {
      const other = events.get(item.dataset.id);
      return other.half > event.half || (other.half === event.half && other.position_ms > event.position_ms);
    };
    list.insertBefore(row(event), [...list.children].find((item) => !later(item)) ?? null);
  }
  byId("nothing").hidden = events.size > 0;
  drawLines();
}

function drawLines() {
  const shown = [...new Set([now.period, ...[...events.values()].map((event) => event.half)])].filter(Boolean).sort();
  byId("lines").replaceChildren(...shown.map((number) => {
    const of = [...events.values()].filter((event) => event.half === number);
    const last = Math.max(60 * periods[number - 1].minutes, number === now.period ? now.seconds : 0, ...of.map((event) => event.position_ms / 1000));
    const line = element("div", "line");
    line.append(element("span", "", periods[number - 1].name));
    for (const event of of) {
      const mark = coloured(element("i", event.state), event.label);
      mark.style.left = `${event.position_ms / 10 / last}%`;
      mark.title = `${event.minute} ${classes[event.label].name}`;
      line.append(mark);
    }
    if (number === now.period) {
      const at = element("b");
      at.style.left = `${(100 * now.seconds) / last}%`;
      line.append(at);
    }
    return line;
  }));
}

function take(line) {
  if (line.state === "over") over = true;
  if (line.state === "clip") clips.set(line.id, line.clip);
  else if (line.state === "withdrawn") events.delete(line.id);
  else if (line.id && classes[line.label]) events.set(line.id, line);
  if (line.id) show(line.id);
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

async function look() {
  const state = byId("state");
  try {
    now = await (await fetch("status")).json();
    state.textContent = now.period ? `${periods[now.period - 1].name}, ${clock(now.seconds)}` : "no period is on";
    byId("trouble").textContent = now.trouble ? `No pictures: ${now.trouble}. It is tried again and again.` : "";
  } catch {
    state.textContent = over ? "the match is over" : "the server is away";
    now = { period: 0, seconds: 0 };
    byId("trouble").textContent = "";
  }
  state.className = now.period ? "on" : "";
  byId("trouble").hidden = !byId("trouble").textContent;
  drawLines();
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.onclick = async () => {
    const body = JSON.stringify({ do: button.dataset.do });
    const answer = await fetch("period", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok) {
      byId("trouble").textContent = (await answer.json()).error;
      byId("trouble").hidden = false;
    } else look();
  };
}

// The browser comes back by itself, and says what it has seen.
new EventSource("events").onmessage = (message) => take(JSON.parse(message.data));
look();
setInterval(look, 1000);
