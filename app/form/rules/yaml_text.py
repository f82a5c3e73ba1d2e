"""The text behind a rule: its file, or its entry in a file that holds many."""

from __future__ import annotations

import re

import streamlit as st

from form.wording import plain
from hcc_decide.documents import DocumentError, read_bytes
from hcc_decide.knowledge.catalogue import Knowledge
from hcc_decide.knowledge.files import fingerprint
from hcc_decide.knowledge.locate import bundled


def show_yaml(knowledge: Knowledge, file: str, head: str | None = None, *, key: str) -> None:
    """Offer the YAML of a file below ``rules/``.

    Args:
        knowledge: the knowledge in use; a file that was changed since it was read is not shown.
        file: path below ``rules/``.
        head: how the line begins with which the entry starts; the whole file when left out.
        key: key of the expander.
    """
    box = st.expander("The YAML behind", icon=":material/code:", key=key, on_change="rerun")
    if not box.open:
        return
    with box:
        text = _text(knowledge.sha256, file)
        if text is None:
            st.warning(
                f"`rules/{plain(file)}` was changed or moved since the form was started, so it is not shown. "
                "Start the form again."
            )
            return
        st.caption(f"rules/{plain(file)}")
        # Not as YAML: the colours that Streamlit gives its parts are too faint to read.
        st.code(text if head is None else entry(text, head), language=None, wrap_lines=True)


def claim_file(knowledge: Knowledge, claim: str) -> str | None:
    """Return the file that holds a claim, below ``rules/``; ``None`` when no file does."""
    return _claim_files(knowledge.sha256).get(claim)


def entry(text: str, head: str) -> str:
    """Return the lines of one entry: from the line that begins with ``head``, blanks aside, to the next as far out."""
    lines = text.splitlines()
    start = next((place for place, line in enumerate(lines) if line.strip().startswith(head)), None)
    if start is None:
        return text
    depth = _depth(lines[start])
    end = next(
        (place for place in range(start + 1, len(lines)) if lines[place].strip() and _depth(lines[place]) <= depth),
        len(lines),
    )
    return "\n".join(line[depth:] for line in lines[start:end]).rstrip() + "\n"


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


@st.cache_data(show_spinner=False, max_entries=64)
def _text(sha256: str, file: str) -> str | None:
    """Read a file, as long as the folder still holds the knowledge that the form was started with."""
    folder = bundled("rules")
    if fingerprint(folder) != sha256:
        return None
    try:
        return read_bytes(folder / file).decode("utf-8")
    except (DocumentError, UnicodeDecodeError):
        return None


@st.cache_data(show_spinner=False, max_entries=2)
def _claim_files(sha256: str) -> dict[str, str]:
    found = {}
    for path in sorted((bundled("rules") / "claims").glob("*.yaml")):
        file = f"claims/{path.name}"
        for claim in re.findall(r"^ *- id: (\S+)$", _text(sha256, file) or "", re.MULTILINE):
            found[claim] = file
    return found
