"""Statements hang on what an answer says, not on how it is written."""

from __future__ import annotations

import json
from random import Random
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.facts import CapabilityStated
from monitor.protocols.answers import read
from tests.protocols import answer_samples as samples

NAMES = ("enabled", "isSupportX", "Rule", "channel", "Config", "port", "name", "Name", "id", "opt", "HumanFace")
VALUES = (
    "true",
    "false",
    "1",
    "2",
    "x y",
    "tt:FaceRecognition",
    "tns1:VideoSource/tns1:Motion",
    "http://a/b",
    "",
    "<&\"'>",
    "é",
)
BOUND = {"tt": samples.SCHEMA, "tns1": samples.TOPICS}


class Tag(NamedTuple):
    """An element of an answer."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    text: str
    children: tuple[Tag, ...]


leaves = st.builds(
    Tag,
    st.sampled_from(NAMES),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=2, unique_by=lambda each: each[0]
    ).map(tuple),
    st.sampled_from(VALUES),
    st.just(()),
)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        Tag,
        st.sampled_from(NAMES),
        st.just(()),
        st.just(""),
        st.lists(inner, min_size=1, max_size=4).map(tuple),
    ),
    max_leaves=12,
)  # fmt: skip


def written(tree: Tag, rng: Random, prefixes: dict[str, str], *, top: bool = True) -> str:
    """The same element with its children and attributes in another order, other prefixes and other blanks."""

    def spelled(value: str) -> str:
        for prefix, own in prefixes.items():
            value = value.replace(f"{prefix}:", f"{own}:")
        return value

    attributes = [(name, spelled(value)) for name, value in tree.attributes]
    prefix = rng.choice(("", "q:", "tds:"))
    if top:
        attributes += [(f"xmlns:{prefixes[name]}", uri) for name, uri in BOUND.items()]
        attributes += [("xmlns:q", "urn:q"), ("xmlns:tds", "urn:tds")]
        attributes += [("xmlns:i", "http://www.w3.org/2001/XMLSchema-instance")]
    if rng.random() < 0.2:
        attributes.append(("xmlns", f"urn:{rng.randrange(9)}"))
    if rng.random() < 0.2 and not top:
        attributes.append(("i:type", "q:Anything"))
    rng.shuffle(attributes)
    children = list(tree.children)
    rng.shuffle(children)
    blanks = [rng.choice(("", "\n", "  ", "<!-- x -->", "\t")) for _ in range(len(children) + 1)]
    inner = blanks[0] + "".join(
        written(each, rng, prefixes, top=False) + blank for each, blank in zip(children, blanks[1:], strict=True)
    )
    pairs = "".join(f" {name}={quoteattr(value)}" for name, value in attributes)
    return f"<{prefix}{tree.name}{pairs}>{inner}{escape(spelled(tree.text))}</{prefix}{tree.name}>"


def stated(api: str, question: str, body: bytes) -> tuple[tuple[str, str], ...]:
    facts = [fact for fact in read(api, question, body, None) if isinstance(fact, CapabilityStated)]
    return facts[0].statements if facts else ()


@settings(max_examples=40, deadline=None)
@given(trees, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_shuffled_xml_states_the_same(tree: Tag, first: Random, second: Random) -> None:
    """Order, namespaces, prefixes of names and of values, xsi attributes and blanks change nothing."""
    one = written(tree, first, {"tt": "tt", "tns1": "tns1"})
    other = written(tree, second, {"tt": f"ns{second.randrange(9)}", "tns1": "topics"})
    assert stated("onvif", "q", one.encode()) == stated("onvif", "q", other.encode())


@settings(max_examples=40, deadline=None)
@given(trees, st.randoms(use_true_random=False))
def test_every_text_is_stated(tree: Tag, rng: Random) -> None:
    """What the document holds is in a value."""
    values = {value for _, value in stated("onvif", "q", written(tree, rng, {"tt": "a", "tns1": "b"}).encode())}

    def texts(tag: Tag) -> set[str]:
        return {tag.text, *(value for _, value in tag.attributes)}.union(*(texts(each) for each in tag.children))

    assert texts(tree) - {""} <= values


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(VALUES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def shuffled(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        items = [(key, shuffled(inner, rng)) for key, inner in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(inner, rng) for inner in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), json_values, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_shuffled_json_states_the_same(value: dict[str, Any], rng: Random) -> None:
    """The order of keys and the blanks change nothing."""
    other = json.dumps(shuffled(value, rng), indent=2).encode()
    assert stated("sunapi", "q", json.dumps(value).encode()) == stated("sunapi", "q", other)


@settings(max_examples=40, deadline=None)
@given(st.permutations(samples.DAHUA_RULES.splitlines()))
def test_shuffled_lines_state_the_same(lines: list[bytes]) -> None:
    """The order of keys changes nothing."""
    question = "configManager.cgi getConfig VideoAnalyseRule"
    assert stated("dahua", question, b"\n".join(lines)) == stated("dahua", question, samples.DAHUA_RULES)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (b"<a><c><id>1</id><on>true</on></c></a>", b"<a><c><id>1</id><on>true</on></c><c><id>2</id><on>true</on></c></a>", True),
        (b"<a><c><on>true</on></c><c><on>false</on></c></a>", b"<a><c><on>false</on></c><c><on>true</on></c></a>", True),
        (b"<a><s>x</s><s>y</s></a>", b"<a><s>y</s><s>x</s><s>z</s></a>", True),
        (b"<a><c><id>1</id><on>true</on></c></a>", b"<a><c><id>1</id><on>false</on></c></a>", False),
        (b"<a><c><id>1</id><on>true</on></c></a>", b"<a><c><id>2</id><on>true</on></c></a>", False),
        (b"<a><x/></a>", b"<a/>", False),
    ],
)  # fmt: skip
def test_what_came_leaves_the_rest_alone(one: bytes, two: bytes, same: bool) -> None:
    """A sibling more takes no statement away; another value or another one does."""
    assert (set(stated("isapi", "q", one)) <= set(stated("isapi", "q", two))) is same


def test_members_of_lists() -> None:
    """By what identifies them, else by place; texts by themselves."""
    body = b'{"apis":[{"id":"ssh","v":1}],"rows":[{"on":true},{"on":false}],"tags":["b","a"],"grid":[[1,2],[3]]}'
    assert dict(stated("vapix", "q", body)) == {
        "apis[ssh]/id": "ssh", "apis[ssh]/v": "1", "rows[0]/on": "true", "rows[1]/on": "false",
        "tags[a]": "a", "tags[b]": "b", "grid[0][1]": "1", "grid[0][2]": "2", "grid[1][3]": "3",
    }  # fmt: skip
