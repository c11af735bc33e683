"""What an editor takes away: the events as edit lists, markers, subtitles and chapters, into exports/.

    <match>_reel.fcpxml      the cuts of the reel, a marker at each event
    <match>_events.fcpxml    the halves as they are, a marker at each event
    <match>_half-1.srt       what belongs to the video of a half: subtitles, chapters

Every format is one file that makes text of a `Timeline`. Read first: `cuts.py`, then `writing.py`.
"""
