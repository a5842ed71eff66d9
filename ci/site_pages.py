"""mkdocs' hook: the reference is made from what the package names as public, the pages that live at the top of the
repository join the site, and links between files find their page.

In the repository a link names a file, so that it works where the file is read; on the site it names the page, or, for a
file that is none, the repository.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parent))
from public_api import PAGES, public_names

ROOT: Final = Path(__file__).resolve().parent.parent
AT_THE_TOP: Final = {
    "README.md": "index.md",
    "RUNBOOK.md": "runbook.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files at the top of the repository, and the page that each of them is."""

_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files at the top, and the reference."""
    for name, page in AT_THE_TOP.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for name, (title, modules) in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=reference(title, modules)))
    return files


def reference(title: str, modules: tuple[str, ...]) -> str:
    """A page with every public name of these modules, each once."""
    shown: dict[tuple[str, int], str] = {}
    for module in modules:
        found = importlib.import_module(f"molam_sdk.{module}")
        for name in public_names(module):
            shown.setdefault((name, id(getattr(found, name))), f"::: molam_sdk.{module}.{name}")
    return "\n\n".join([f"# {title}", *shown.values()])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a file into those of its page."""
    here = page.file.src_uri
    source = next((name for name, target in AT_THE_TOP.items() if target == here), f"docs/{here}")

    def turned(link: re.Match[str]) -> str:
        path, anchor = link[1], link[2] or ""
        named = Path(os.path.normpath(Path(source).parent / path)).as_posix()
        target = AT_THE_TOP.get(named, named.removeprefix("docs/"))
        if files.get_file_from_path(target) is not None:
            return os.path.relpath(target, Path(here).parent) + anchor
        if (ROOT / named).exists():
            return f"{config.extra['repository']}/blob/main/{named}"
        return link[0]

    return _LINK.sub(turned, markdown)
