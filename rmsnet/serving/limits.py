"""What clients may cost a server, in memory and time."""

from dataclasses import dataclass

from rmsnet.errors import UserError

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of a server.

    Attributes:
        body_bytes: of one request; a half of an hour and a half as .npy is 22 MB, one of 45 minutes as JSON 55 MB.
        memory_bytes: of all bodies that are held at once, on their way in or waiting for their events.
        at_once: halves computed at the same time; each takes memory of its own, and all share the processor.
        wait_seconds: a request waits so long for memory, and again for its turn, before it is told to come back.
        upload_seconds: from the first to the last byte of a body.
        stall_seconds: an upload that brings next to nothing for so long is closed; also a client that begins no
            request, does not end its head, or does not take its answer.
        stop_seconds: what is being computed may take so long to end when the server is told to stop.
        connections: open at once; the next is answered 503.
    """

    body_bytes: int = 64 * MIB
    memory_bytes: int = 256 * MIB
    at_once: int = 2
    wait_seconds: float = 120
    upload_seconds: float = 120
    stall_seconds: float = 10
    stop_seconds: int = 20
    connections: int = 500

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise UserError(f"--at-once {self.at_once}: at least one half is computed at a time")
        if self.memory_bytes < self.body_bytes:
            raise UserError(
                f"--memory {self.memory_bytes // MIB}: the largest body that is taken has {self.body_bytes // MIB} MiB"
            )
        if not (self.upload_seconds > 0 and self.stall_seconds > 0):
            raise UserError("--upload-seconds and --stall-seconds must be above 0")
