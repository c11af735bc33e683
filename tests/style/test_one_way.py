"""Pages, pictures and tables are written in one room: nobody else imports what they are made with."""

import ast

ONLY_STYLE = {"csv", "html", "base64"}


def modules_of(path):
    """The modules that a file imports, but those for the type checker alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - for_types:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_only_style_writes_csv_html_and_pictures(repository):
    for folder in ("rmsnet", "components", "pipelines"):
        for path in sorted((repository / folder).rglob("*.py")):
            if path.parent.name not in (
                "style",
                "reading",
                "formats",
                "exports",
            ):  # which read it; whose files are other tools'
                assert not ONLY_STYLE & set(modules_of(path)), path
                assert "savefig" not in path.read_text(encoding="utf-8"), path


def test_style_imports_nothing_of_other_rooms(repository):
    for path in (repository / "rmsnet" / "style").glob("*.py"):
        assert all(name.startswith("rmsnet.style.") for name in modules_of(path) if name.startswith("rmsnet.")), path
