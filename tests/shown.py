"""The code blocks of the documents: which are run, what they are said to print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUN = ("sh", "python")
NOT_RUN = ("text", "json", "yaml", "csv", "xml", "mermaid", "html")
OUTPUT = "output"
SESSION = "console"
"""Commands behind "$ ", each with what it prints below it; run by the test that prepares what they are run on."""

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        document: where it stands.
        line: of its first line in the document.
        kind: first word behind the fence.
        skip: why it is not run; "" it is.
        text: what it holds.
        output: what it is said to print; None: that is not said.
    """

    document: str
    line: int
    kind: str
    skip: str
    text: str
    output: str | None = None

    @property
    def where(self) -> str:
        return f"{self.document}:{self.line}"

    def commands(self) -> list[str]:
        """The commands of a shell's block: comments left out, continued lines joined."""
        joined = re.sub(r"\s*\\\n\s*", " ", self.text)
        lines = (re.sub(r"\s+# .*$", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def turns(self) -> list[tuple[str, str]]:
        """The commands of a session, each with what it is said to print."""
        turns = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]
        pairs = (turn.partition("\n")[::2] for turn in turns)
        return [(re.sub(r"\s+# .*$", "", command), said) for command, said in pairs]


def blocks(path: Path, name: str) -> list[Block]:
    """The blocks of a document in order; an output belongs to the block before it."""
    found: list[Block] = []
    for block in _blocks(path, name):
        if block.kind == OUTPUT and found:
            found[-1] = Block(**{**vars(found[-1]), "output": block.text})
        else:
            found.append(block)
    return found


def _blocks(path: Path, name: str) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        kind, _, rest = match[1].strip().partition(" ")
        skip = rest.removeprefix("skip:").strip() if rest.startswith("skip:") else ""
        yield Block(name, text.count("\n", 0, match.start()) + 2, kind, skip, match[2])


def agrees(said: str, printed: str) -> bool:
    """Whether a text is what a document says is printed; "…" in the document stands for anything."""
    parts = [re.escape(" ".join(part.split())) for part in said.split("…")]
    return re.search(".*?".join(parts), " ".join(printed.split()), re.DOTALL) is not None
