// Moments that were chosen because models are unsure of them: one after the other, from where the match is shown.

let looked = -1; // place of the one that was shown last

function draw_looks() {
  el("next-look").hidden = !match.looks.length;
  el("next-look").textContent = `Worth a look ${looked + 1} of ${match.looks.length}`;
}

/** Why somebody should look. */
function why(look) {
  const percents = `${Math.round(100 * look.probability)} %`;
  const disagree = look.disagreement > look.uncertainty / 2 ? ", and they disagree" : "";
  return `${match.classes[class_of.get(look.label)].name}? The models say ${percents}${disagree}`;
}

function next_look() {
  if (!match.looks.length) {
    say("Nothing was chosen in this match (rmsnet annotate --next)");
    return;
  }
  looked = (looked + 1) % match.looks.length;
  const look = match.looks[looked];
  state.selected = null;
  draw_selection();
  draw_chosen();
  seek(half_of(look.half), place_of(look));
  draw_looks();
  say(why(look));
}

el("next-look").onclick = next_look;
