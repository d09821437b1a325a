"""The character U+0000 is found in a JSON document wherever a text has it, and nowhere else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.nul import holds_nul

pytestmark = pytest.mark.unit

texts = st.text(st.sampled_from('\0\\u0a"'), max_size=12)


@given(st.dictionaries(texts, texts, max_size=3), st.booleans())
def test_a_document_holds_it_if_a_text_or_a_name_does(document: dict[str, str], ascii_only: bool) -> None:
    held = any("\0" in text for text in (*document, *document.values()))
    assert holds_nul(json.dumps(document, ensure_ascii=ascii_only).encode()) == held
