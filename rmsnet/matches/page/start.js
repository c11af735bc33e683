const opened_at = location.hash; // the first drawing, of no event, clears it
set_look(kept("look", null, ""));
draw_header();
draw_chips();
draw_timeline();
refresh();
seek(0, 0);
draw_axis();
open_address(opened_at);
