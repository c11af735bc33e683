// Edits as pure functions: of a map of marks, id -> {half, position_ms, label, team, visible, end_ms, confidence, head, extra}.

const UNSURE = "unsure";
const ORIGIN = "origin";

/** The marks after changes of the form {id, before, after}; null stands for "is not there". */
function applied(marks, changes) {
  const after = new Map(marks);
  for (const { id, after: mark } of changes) {
    if (mark === null) after.delete(id);
    else after.set(id, mark);
  }
  return after;
}

const inverse = (changes) => changes.map(({ id, before, after }) => ({ id, before: after, after: before }));

const added = (id, mark) => [{ id, before: null, after: mark }];
const deleted = (id, mark) => [{ id, before: mark, after: null }];
const changed = (id, mark, fields) => [{ id, before: mark, after: { ...mark, ...fields } }];

/** A mark with another entry of its extra; null takes it away. */
function with_extra(mark, entries) {
  const extra = { ...mark.extra, ...entries };
  for (const [name, value] of Object.entries(entries)) if (value === null) delete extra[name];
  return { ...mark, extra };
}

/** A new mark at a moment {half, position_ms, video_time}. */
const mark_at = (moment, label, extra = {}) => ({
  half: moment.half,
  position_ms: moment.position_ms,
  label,
  team: "",
  visible: true,
  end_ms: null,
  confidence: null,
  head: "",
  extra: moment.video_time === null ? extra : { ...extra, video_time: moment.video_time },
});

/** A mark at another moment; where it ends goes along. */
function moved(mark, moment) {
  const end_ms = mark.end_ms === null ? null : mark.end_ms + moment.position_ms - mark.position_ms;
  return with_extra({ ...mark, half: moment.half, position_ms: moment.position_ms, end_ms }, { video_time: moment.video_time });
}

/** All marks of a half after it begins at another second of its video; null: one would lie before it. */
function shifted(marks, half, by_ms, start) {
  const changes = [];
  for (const [id, mark] of marks) {
    if (mark.half !== half) continue;
    const of_video = mark.extra.video_time;
    const position_ms = of_video === undefined ? mark.position_ms + by_ms : Math.round(1000 * (Number(of_video) - start));
    if (position_ms < 0) return null;
    const end_ms = mark.end_ms === null ? null : mark.end_ms + position_ms - mark.position_ms;
    changes.push({ id, before: mark, after: { ...mark, position_ms, end_ms } });
  }
  return changes;
}

const is_refused = (mark) => mark.extra[ORIGIN] === "refused";
const is_suggested = (mark) => mark.extra[ORIGIN] === "suggested";
const is_unsure = (mark) => mark.extra[UNSURE] !== undefined && mark.extra[UNSURE] !== "";

const NEAR_MS = 2000; // a suggestion so near to an event of its class says nothing new

/** The suggestions that nobody has answered, and that are no events yet. */
function open_suggestions(suggestions, marks) {
  const answered = new Set();
  const near = new Map();
  for (const mark of marks.values()) {
    if (mark.extra.suggestion) answered.add(mark.extra.suggestion);
    const key = `${mark.half} ${mark.label}`;
    if (!near.has(key)) near.set(key, []);
    near.get(key).push(mark.position_ms);
  }
  return suggestions.filter(
    (one) =>
      !answered.has(one.key) &&
      !(near.get(`${one.half} ${one.label}`) || []).some((ms) => Math.abs(ms - one.position_ms) <= NEAR_MS),
  );
}
