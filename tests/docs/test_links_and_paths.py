"""What the documents point at is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.docs import ROOT, Document, document, documents

DOCUMENTS = documents()
every_document = pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)

# Made by commands, or by whoever deploys, so not in a fresh checkout.
MADE = (
    ".venv/",
    "node_modules/",
    "ada.json",
    "thetis.sql",
    "accounts.sql",
    "tests/browser/screenshots",
)
FILLED_IN = "deploy/.env"
FILE = re.compile(r"[\w.*-]+\.(?:py|sql|md|toml|lock|txt|html|json|cfg|ini|ya?ml|sh)")


@every_document
def test_every_relative_link_leads_somewhere(page: Document) -> None:
    for link in page.links():
        target = urlsplit(link)
        if target.scheme:
            continue
        path = (page.path.parent / target.path).resolve() if target.path else page.path
        assert path.exists(), link
        if target.fragment:
            assert target.fragment in Document(path).anchors(), link


@every_document
def test_no_document_names_a_path_that_does_not_exist(page: Document) -> None:
    for path in named_paths(page):
        assert exists(page, path), path


def named_paths(page: Document) -> Iterator[str]:
    """Words in code that are a path: below a folder of the checkout, or with a file's ending."""
    tops = {path.name for path in ROOT.iterdir()}
    for text in [*page.spans(), *page.blocks()]:
        for word in re.findall(r"(?<![\w/:.$~@-])[\w.*-]+(?:/[\w.*-]+)*/?(?![\w/:@-])", text):
            is_below = "/" in word and word.partition("/")[0] in tops
            is_path = is_below or FILE.fullmatch(word.split("/")[-1])
            if is_path and not word.startswith(MADE) and word != FILLED_IN:
                yield word.rstrip("/.")


def exists(page: Document, path: str) -> bool:
    if "/" not in path:
        return any(ROOT.glob(path)) or any(
            found
            for top in ("deploy", "devtools", "docs", "knock", "service", "supabase", "tests")
            for found in (ROOT / top).rglob(path)
        )
    return any(ROOT.glob(path)) or any(page.path.parent.glob(path))


@every_document
def test_every_make_target_exists(page: Document) -> None:
    makefile = (ROOT / "Makefile").read_text()
    code = "\n".join([*page.spans(), *page.blocks("bash")])
    for target in re.findall(r"^\s*make ([a-z]+)", code, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_command_of_the_makefile_is_declared_phony() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets == set(phony.split())


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    readme = document("README.md")
    assert len(readme.text.splitlines()) <= 120
    commands = "\n".join(readme.blocks("bash"))
    assert "make demo" in commands
    assert "make test" in commands


def test_the_readme_and_the_index_lead_to_every_guide() -> None:
    guides = {page.name for page in DOCUMENTS if re.fullmatch(r"docs/[A-Z_]+\.md", page.name)}
    guides -= {"docs/README.md"}
    assert guides <= set(document("README.md").links())
    assert guides <= {f"docs/{link}" for link in document("docs/README.md").links()}
