"""A headless Chromium driven over its own protocol (Chrome DevTools Protocol): what tests of pages need, no more."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 90
"""A browser that draws and decodes by the processor shares it with other tests."""

LEFT = ("Inspected target navigated or closed", "Execution context was destroyed", "Cannot find context")
"""What Chromium answers when a page goes while it is asked something."""

VIDEOS = """[...document.querySelectorAll("video")].map((v) => ({
  source: v.currentSrc, at: v.currentTime, ready: v.readyState, network: v.networkState,
  seeking: v.seeking, paused: v.paused, problem: v.error?.message ?? null,
}))"""
"""What a video is at."""


def find_chromium() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """One tab: evaluates JavaScript, presses keys, clicks and photographs; keeps the addresses it asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = websocket.create_connection(address, timeout=PATIENCE_SECONDS, suppress_origin=True)
        self._number = 0
        self.requested: list[str] = []
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.unanswered: dict[str, str] = {}
        # In a window of its own: what lies behind another tab plays no video.
        self._target = self._call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    @contextmanager
    def another_tab(self) -> "Iterator[Page]":
        """A second tab of the same browser, beside this one."""
        tab = Page(self.address)
        try:
            yield tab
        finally:
            tab._call("Target.closeTarget", targetId=tab._target)
            tab._socket.close()

    def open(self, path: Path | str, width: int = 1440, height: int = 900) -> None:
        """Open a file, or an address."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.js("window.before = true")
        self._call("Page.navigate", url=path if isinstance(path, str) else path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && !window.before")

    def emulate(self, media: str, scheme: str) -> None:
        """Show pages as on a "screen" or in "print", on a machine whose scheme is "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", media=media, features=features)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until an expression in the page is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._holds(condition):
            assert time.monotonic() < end, f"never true: {condition}\n{self._told(condition)}"
            time.sleep(0.02)

    def _holds(self, condition: str) -> bool:
        """Of a page that is just being left nothing is true."""
        try:
            return bool(self.js(f"Boolean({condition})"))
        except AssertionError as error:
            if any(left in str(error) for left in LEFT):
                return False
            raise

    def _told(self, condition: str) -> str:
        """What a page in which something never comes true can tell: what is asked of it, its videos, what failed."""
        parts = condition.split(" && ")
        asked = [*parts, *(part.partition(" === ")[0] for part in parts if " === " in part), "document.visibilityState"]
        told = []
        for expression in (*asked, VIDEOS):
            try:
                told.append(f"{expression}: {json.dumps(self.js(expression))}")
            except AssertionError:  # a part of an expression need not be one
                continue
        return "\n".join([*told, f"unanswered: {[*self.unanswered.values()]}", f"errors: {self.errors}"])

    def click(self, selector: str, times: int = 1) -> None:
        """Click the middle of an element with the mouse, wherever it then lies on the screen."""
        box = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest', inline: 'nearest'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self._call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=count)

    def drag(self, selector: str, x: float, y: float) -> None:
        """Drag the middle of an element to a place on the screen."""
        box = self.js(
            f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind, place in (("mousePressed", box), ("mouseMoved", (x, y)), ("mouseReleased", (x, y))):
            self._call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def allow_clipboard(self) -> None:
        """Let pages read what they have copied."""
        self._call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])

    def press(self, key: str, code: int = 0, *, control: bool = False, shift: bool = False) -> None:
        """One key: a character, or a name such as "ArrowRight" with its key code; perhaps with others held down."""
        written = "\r" if key == "Enter" else key
        text = {"text": written} if len(written) == 1 and not control else {}
        held = {"modifiers": 2 * control + 8 * shift, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, **held, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, **held)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a file input."""
        document = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def accessible(self) -> list[dict[str, str]]:
        """Role and name of what a screen reader finds."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node.get("ignored")]
        return [{"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")} for node in shown]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def _send(self, method: str, **params: Any) -> int:
        self._number += 1
        session = {"sessionId": self._session} if hasattr(self, "_session") else {}
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params, **session}))
        return self._number

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = self._send(method, **params)
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        params, method = message.get("params", {}), message.get("method")  # without one it is an answer that came late
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
            self.unanswered[params["requestId"]] = params["request"]["url"]
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self.unanswered.pop(params["requestId"], None)
        elif method == "Page.javascriptDialogOpening":  # a page that asks whether it may be left waits for an answer
            self.asked.append(params["type"])
            self._send("Page.handleJavaScriptDialog", accept=True)
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A page of a new Chromium whose profile is an empty folder."""
    program = find_chromium()
    assert program is not None
    process = subprocess.Popen(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--mute-audio",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Page(_address(profile, process))
    finally:
        process.terminate()
        process.wait()


def _address(profile: Path, process: "subprocess.Popen[bytes]") -> str:
    """Where the browser listens: it writes that into its profile once it does."""
    file = profile / "DevToolsActivePort"
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "Chromium ended by itself"
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("Chromium does not listen")
