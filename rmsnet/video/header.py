"""What a video file says of itself, by its header and its last seconds; nothing is decoded."""

from dataclasses import dataclass
from pathlib import Path

from rmsnet.errors import UserError

END_SECONDS = 20
"""A whole video has packets in so many seconds before the end that its header announces."""


@dataclass(frozen=True)
class Video:
    """What a video file says of itself.

    Attributes:
        problem: why it cannot be used, "" when it can.
        seconds: its length by its header; NaN where that gives none.
    """

    problem: str = ""
    seconds: float = float("nan")


def read_video(path: Path) -> Video:
    """Look at a video as extraction will open it, and whether it has the end that its header announces."""
    import av

    from rmsnet.video.decoding import open_video

    try:
        container, stream = open_video(path)
        with container:
            if not container.duration:
                return Video("its header gives no length")
            seconds = container.duration / av.time_base
            container.seek(max(0, int((seconds - END_SECONDS / 2) * av.time_base)))
            times = (packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None)
            end = float(max(times, default=0))
    except UserError as error:
        return Video(str(error).removeprefix(f"{path}: "))
    except (av.FFmpegError, OSError) as error:
        return Video(f"cannot be read ({' '.join(str(error).split())})")
    if end < seconds - END_SECONDS:
        return Video(f"cut off: its last picture is at {end:.0f} s of {seconds:.0f} s", seconds)
    return Video(seconds=seconds)
