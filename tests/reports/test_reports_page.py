"""The HTML report: one file, harmless, readable by anybody, in any light."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import report_samples as samples
from hypothesis import HealthCheck, given, settings
from report_values import reports

from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.reports import render
from sipalg_fix.reports.page import headline
from sipalg_fix.reports.words import BUCKETS, for_calls

VOID = {"meta", "input", "br"}
FAR = re.compile(r"(?:src|srcset|data|action|href)\Z")


class Page(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def tags(self) -> Counter[str]:
        """How often each element is there."""
        return Counter(tag for tag, _ in self.elements)


def harmless(page: Page) -> None:
    """No script, nothing from elsewhere, nothing left open."""
    assert not page.open
    assert "script" not in page.tags()
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        for name, value in attributes.items():
            assert not FAR.match(name) or (value or "").startswith("#"), (tag, name, value)
            assert name != "style"
    policy = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert (policy[0] or "").startswith("default-src 'none'")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports)
def test_any_report_is_a_harmless_page(report: Report) -> None:
    """Whatever its texts are."""
    harmless(Page(render(report, "html")))


def test_hostile_words_are_words() -> None:
    """Each is shown as it is written, and makes no element."""
    evil = Page(render(samples.hostile(), "html"))
    harmless(evil)
    kind = Page(render(benign(samples.hostile()), "html"))
    assert evil.tags() == kind.tags()
    text = "".join(evil.text)
    for shown in (
        "<script>alert('sip')</script>", '"><img src=x onerror=alert(1)>',
        "</pre></style><style>body{display:none}", "{{ 7 * 7 }}{% raw %}",
        "\\x1b]0;owned\\x07", "safe\\u202egnp.exe", "half \\ud83d pair",
    ):  # fmt: skip
        assert shown in text


def benign(report: Report) -> Report:
    """The same report with other evidence, so that all its parts are there, and no hostile word."""
    return replace(report, hosts=tuple(_calm(result) for result in report.hosts))


def _calm(result: HostResult) -> HostResult:
    return replace(result, host="a", site="b", platform="c", version="d", note="e", done=("f",))


def test_it_is_one_file_that_says_what_matters_first() -> None:
    """Headline, tiles, what each router's state means for calls, and what the run was."""
    text = "".join(Page(render(samples.APPLY, "html")).text)
    assert "Of 6 routers, 2 need a person to look, 2 are not as agreed." in text
    assert "Changes: 2 confirmed, 1 rolled back, 1 refused, 1 guard left, 1 stranded." in text
    for result in samples.APPLY.hosts:
        assert for_calls(result) in text
        for line in (*result.done, *result.diff):
            assert line in text
    for literal in (samples.HEAD, samples.FINGERPRINT, samples.APPLY.run, samples.APPLY.stopped):
        assert literal in text


def test_before_and_after_stand_beside_each_other() -> None:
    """Where a change made a difference; else what was read stands there once."""
    text = render(samples.APPLY, "html")
    first, second = text.split("<article")[1:3]
    assert ">Before<" in first
    assert ">After<" in first
    assert "set system conntrack modules sip disable" in first
    assert ">What was read<" in second
    assert ">Last look<" in text.split('aria-labelledby="host-5-name"')[1]


def test_headings_and_tables_can_be_followed_without_seeing_them() -> None:
    """One first heading, no level left out, each table with its heads, each label with its place."""
    page = Page(render(samples.APPLY, "html"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(a.get("scope") in ("col", "row") for tag, a in page.elements if tag == "th")
    assert page.tags()["table"] == page.tags()["thead"] == 7
    anchors = [a["id"] for _, a in page.elements if "id" in a]
    assert len(anchors) == len(set(anchors))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "href"):
            if target := attributes.get(name):
                assert target.removeprefix("#") in anchors
    assert page.elements[0] == ("html", {"lang": "en"})


@pytest.mark.parametrize("kind", [bucket.value for bucket in BUCKETS])
def test_each_kind_of_host_can_be_shown_alone(kind: str) -> None:
    """By the page's styles, on a screen; paper always has all."""
    text = render(samples.AUDIT, "html")
    rule = f'body:has(#show-{kind}:checked) [data-bucket]:not([data-bucket="{kind}"])'
    screen = text.split("@media screen {")[1].split("display: none; }")[0]
    assert rule in screen
    assert text.count(rule) == 1


def test_the_filter_offers_what_is_there() -> None:
    """Each kind that has a router, and nothing to choose where there is one kind."""
    text = render(samples.AUDIT, "html")
    offered = set(re.findall(r'id="show-([a-z_]+)"', text))
    assert offered == {"all", *re.findall(r'<article [^>]*data-bucket="([a-z_]+)"', text)}
    alone = render(samples.report("audit", samples.AUDIT.hosts[:2]), "html")
    assert "fieldset" not in alone.split("</style>")[1]


def luminance(color: str) -> float:
    """WCAG 2.2's relative luminance of ``#rrggbb``."""
    channels = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_in_any_light() -> None:
    """At least 4.5 to 1 (WCAG 2.2 AA), in light and dark."""
    style = render(samples.AUDIT, "html").partition("<style>")[2].partition("@media print")[0]
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        for part in style.split("prefers-color-scheme: dark")
    ]
    assert [len(palette) for palette in palettes] == [18, 18]
    pairs = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("paper", "ground")]
    pairs += [("ink", "bad-bg")]
    pairs += [(name, f"{name}-bg") for name in ("good", "bad", "dark", "person", "exempt", "none")]
    pairs += [(name, ground) for name in ("good", "bad", "dark", "none") for ground in ("paper", "ground")]
    for palette in palettes:
        for ink, ground in pairs:
            light, dark = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


HEADLINES = {
    "No router was looked at.": (),
    "The router is as agreed.": (samples.AUDIT.hosts[2],),
    "All 2 routers are as agreed, 1 of them by exemption.": samples.AUDIT.hosts[2:4],
    "Of 1 router, 1 is not as agreed.": (samples.AUDIT.hosts[0],),
    "Of 9 routers, 3 are not as agreed, 3 could not be checked as a whole.": samples.AUDIT.hosts,
    "Of 1 router, 1 needs a person to look.": (samples.APPLY.hosts[5],),
    "Of 1 router, 1 ended with an error.": (
        replace(samples.APPLY.hosts[0], error=samples.APPLY.hosts[1].error),
    ),
}


@pytest.mark.parametrize("words", HEADLINES)
def test_the_headline_is_one_true_sentence(words: str) -> None:
    """Never better than the worst router."""
    assert headline(samples.report("audit", HEADLINES[words])) == words
