"""States that a lesson meets one day: nothing yet, nothing at all, too much, hostile, broken, alone, twice."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache

import pytest

from schedlab.views.payload import unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import axe, colours_drawn, picture, served, unreadable

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

DRAW_MS = 16
PAINT_MS = 1_000
MEMORY_MB = 60  # JavaScript's own, over the columns


def test_no_data_yet_waits_and_then_says_what_to_do(player: Open):
    """70"""
    p = player(motion=False, alone=True)
    p.page.clock.install(time=0)
    p.render(({}, b""))
    assert p.root().inner_text().strip().startswith("Waiting for the trace")
    p.page.clock.run_for(3_100)
    assert "Run this cell again" in p.root().inner_text()
    assert p.errors == []


def test_what_waits_is_named_and_clean(player: Open):
    """70"""
    p = player(({}, b""), motion=False)
    assert axe(p.page, p.root()) == []


def test_a_trace_that_comes_late_is_shown(player: Open):
    """70"""
    p = player(motion=False)
    p.render(({}, b""))
    head, columns = payloads.linux_small()
    p.page.evaluate(
        """([head, text]) => { model.set('head', head); model.set('columns', bytesOf(text)); }""",
        [head, b64encode(columns).decode()],
    )
    p.page.wait_for_function("() => document.querySelector('#here .sl').__player?.state().n > 1")
    p.press("ArrowRight")
    assert p.state()["i"] == 1
    assert p.errors == []


def test_an_empty_trace_says_so_and_offers_nothing_to_press(player: Open):
    """70"""
    p = player(payloads.empty(), motion=False)
    assert p.root().locator(".sl-say .what").inner_text().strip() == "Nothing happened: the scenario has no tasks."
    buttons = p.root().get_by_role("group", name="Playback").get_by_role("button").all()
    assert all(b.is_disabled() for b in buttons)
    p.press("ArrowRight", "End", "k", "p", "0", "+", "ArrowDown", "Enter")
    box = p.root().locator(".sl-canvas").bounding_box()
    p.page.mouse.click(box["x"] + 50, box["y"] + 40)
    assert p.errors == []
    assert axe(p.page, p.root()) == []
    assert unreadable(p.root()) == []


def test_one_event_works_and_is_both_ends(player: Open):
    """70"""
    p = player(payloads.one_event(), motion=False)
    assert "it alone could run" in p.say()
    for name in ("To the start", "Step back", "Step", "To the end"):
        assert p.root().get_by_role("button", name=name, exact=True).is_disabled(), name
    assert p.root().locator(".p-candidates svg g.fade").count() == 1, "the ruler shows one dot"
    p.press("ArrowRight", "End", "k", "Home", "p")
    assert p.state()["i"] == 0
    assert p.errors == []
    assert axe(p.page, p.root()) == []


def test_one_task_works(player: Open):
    """70"""
    p = player(payloads.one_task(), motion=False)
    n = p.state()["n"]
    assert n > 1
    for _ in range(n):
        p.press("ArrowRight")
    assert p.state()["i"] == n - 1
    assert p.errors == []
    assert axe(p.page, p.root()) == []


@pytest.mark.parametrize("how", ["told", "found out"])
def test_without_a_kernel_play_and_step_work_and_fork_says_why_not(player: Open, how: str):
    """71"""
    p = player(payloads.linux_small(), motion=False)
    fork = p.root().get_by_role("button", name="Fork here")
    assert fork.is_enabled()
    if how == "told":
        p.page.evaluate("() => { model.comm_live = false; model.tell('comm_live_update'); }")
    else:
        p.press("f")
        p.page.evaluate("model.dead = true")
        p.root().get_by_role("button", name="Run", exact=True).click()
        p.page.keyboard.press("Escape")
    assert fork.is_disabled()
    assert "kernel" in (fork.get_attribute("title") or "")
    assert "not connected: fork and check are off" in p.root().locator(".sl-head").inner_text()
    assert p.live() == "The kernel is gone; play and step still work"
    p.press("Home", "ArrowRight")
    assert p.state()["i"] == 1
    p.press("k")
    assert p.state()["playing"]
    assert p.errors == []


def test_a_page_without_a_kernel_from_the_start_cannot_fork(player: Open):
    """71: the exported page"""
    p = player(payloads.linux_small(), motion=False, live=False)
    assert p.root().get_by_role("button", name="Fork here").is_disabled()
    p.press("ArrowRight")
    assert p.state()["i"] == 1


def test_an_old_answer_is_dropped(player: Open):
    """72"""
    p = player(payloads.unexplained(), motion=False)
    asks = p.root().locator(".p-candidates").get_by_role("button", name="Ask")
    asks.click()
    first = p.sent[-1]
    assert (first["ask"], first["event"]) == ("explain", 0)
    p.press("ArrowRight")
    asks.click()
    second = p.sent[-1]
    assert (second["event"], second["n"]) == (1, first["n"] + 1)
    old = {"n": first["n"], "explained": 1, "candidates": [[0, 0, 111], [1, 1, 222]], "lines": []}
    p.receive(old)
    assert "111" not in p.root().locator(".p-candidates").inner_text()
    p.receive({**old, "n": second["n"], "candidates": [[0, 1, 333], [1, 0, 444]]})
    text = p.root().locator(".p-candidates").inner_text()
    assert "333" in text
    assert "444" in text
    assert p.errors == []


def test_reasons_that_are_not_to_be_had_say_why(player: Open):
    p = player(payloads.unexplained(), motion=False)
    panel = p.root().locator(".p-candidates")
    assert "numbers not recorded" in panel.inner_text()
    panel.get_by_role("button", name="Ask").click()
    answer = {"explained": 0, "candidates": None, "lines": None, "error": "the policy divides by zero"}
    p.receive({"n": p.sent[-1]["n"], **answer})
    said = "The numbers of this decision are not to be had: the policy divides by zero"
    assert said in panel.inner_text()
    assert "numbers not recorded" not in panel.inner_text()
    assert p.live() == said


def test_an_old_fork_is_dropped(player: Open):
    """72"""
    a, b, info = payloads.compare()
    p = player(a, motion=False)
    p.press("f")
    run = p.root().get_by_role("button", name="Run", exact=True)
    run.click()
    run.click()
    old, new = p.sent[-2]["n"], p.sent[-1]["n"]
    assert new > old
    p.receive({"n": old, "forked": None, "error": "this is the old answer"})
    assert "old answer" not in p.root().inner_text()
    p.give_b(b, new, info)
    assert p.state()["compare"]


def test_what_takes_long_says_that_it_works(player: Open):
    """72: section 8, after 200 ms, in the asking panel alone"""
    p = player(payloads.unexplained(), motion=False)
    p.root().locator(".p-candidates").get_by_role("button", name="Ask").click()
    p.page.wait_for_function("() => /[Ww]orking/.test(document.querySelector('#here .p-candidates').textContent)")
    p.press("ArrowRight")
    assert p.state()["i"] == 1
    assert p.live() != ""


def test_sixty_four_cpus_are_all_reachable_and_drawn_in_time(player: Open):
    """73"""
    p = player(payloads.segments(100_000, lanes=64), motion=False)
    p.go(0)
    scroller = p.root().locator(".sl-scroller")
    assert scroller.is_visible()
    assert scroller.bounding_box()["height"] <= 430
    assert p.state()["lanes"] == 64
    assert p.root().locator(".sl-lanes > div > div").count() == 64
    p.press("ArrowUp")  # the last lane
    name = p.root().locator(".sl-lanes .chosen")
    assert "CPU 63" in name.inner_text()
    p.page.wait_for_timeout(50)
    inside = p.root().evaluate(
        """root => {
          const a = root.querySelector('.sl-lanes .chosen').getBoundingClientRect();
          const b = root.querySelector('.sl-canvas').getBoundingClientRect();
          return a.top >= b.top && a.bottom <= b.bottom + 1 && a.height >= 27;
        }"""
    )
    assert inside
    p.press("Enter")
    assert p.live().startswith("CPU 63")
    times = p.page.evaluate(
        """() => {
          const hook = document.querySelector('#here .sl').__player, end = hook.player.trace.end, out = [];
          for (const part of [1, 0.2, 0.01])
            for (let k = 0; k < 8; k++) {
              hook.player.view = [end * 0.5 * (1 - part), end * (0.5 + part / 2)];
              out.push(hook.drawTime());
            }
          return out;
        }"""
    )
    for part in range(3):  # the best of eight: what the drawing costs, not what else the machine does
        assert min(times[part * 8 : part * 8 + 8]) <= DRAW_MS, f"view {part}"


FETCH = """async head => {
  const columns = new DataView(await (await fetch('/body')).arrayBuffer());
  window.model = makeModel({ head, columns, cursor: 0, answers: [], still: false, marks: {}, text: '' }, true);
  window.renderLater = () => {
    window.t0 = performance.now();
    window.cleanup = module.default.render({ model, el: document.getElementById('here') });
  };
}"""


@cache
def million() -> payloads.Packed:
    return payloads.segments(1_000_000)


def test_a_million_segments_are_seen_within_a_second_in_little_memory(player: Open):
    """74"""
    head, columns = million()
    assert len(unpack(head, columns)["segments.start"]) == 1_000_000
    p = player(motion=False, alone=True)
    cdp = p.page.context.new_cdp_session(p.page)
    cdp.send("HeapProfiler.enable")

    def used() -> float:
        cdp.send("HeapProfiler.collectGarbage")
        found = cdp.send("Runtime.getHeapUsage")
        return (found["usedSize"] + found.get("backingStorageSize", 0)) / 1e6

    with served(columns) as address:
        p.page.goto(address)
        p.open()
        p.page.evaluate(FETCH, head)
    before = used()
    ms = p.page.evaluate(
        """async () => {
          renderLater();
          const canvas = document.querySelector('#here canvas');
          const drawn = () => canvas.width > 1 &&
            canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v);
          while (!drawn()) await new Promise(requestAnimationFrame);
          return performance.now() - t0;
        }"""
    )
    assert ms < PAINT_MS
    assert colours_drawn(p.root().locator("canvas").first) > 5
    n = p.state()["n"]
    p.press("End", "0", "+", "ArrowLeft")
    assert p.state()["i"] == n - 2
    assert used() - before <= MEMORY_MB
    assert p.root().evaluate("root => root.querySelectorAll('*').length") < 2_000, "rows became elements"
    assert p.errors == []


def test_hostile_names_are_text_and_nothing_else(player: Open):
    """75"""
    payload = payloads.hostile_names()
    p = player(payload, motion=False)
    root = p.root()
    n = p.state()["n"]
    for i in range(n):
        p.go(i)
        assert root.locator("img, script, iframe, u, s, [onerror], [onmouseover]").count() == 0
    assert p.page.evaluate("window.hacked") is None
    assert p.requests == []
    assert p.errors == []
    shown = [name.inner_text() for name in root.locator(".sl-lanes .task .laneName").all()]
    assert shown[3] == "(no name)"
    assert shown[4] == shown[5] == "twin"
    letters = [t.inner_text() for t in root.locator(".sl-lanes .task .tok").all()]
    assert letters[4] != letters[5]
    text = root.evaluate("root => root.textContent")
    assert "\u202e" not in text
    assert not any(ord(c) < 32 and c not in "\n\t" for c in text)
    assert max(len(name) for name in shown) <= 24
    long_ = root.locator(".sl-lanes .task").nth(2)
    assert "…" in long_.inner_text()
    assert long_.get_attribute("title") == "n" * 300
    p.go(1)
    assert "<img src=x onerror" in root.inner_text()
    bdis = root.locator(".sl-say bdi").count()
    assert bdis >= 2, "names are not isolated from the text around them"
    assert axe(p.page, root) == []
    p.press("p", "Home", "ArrowRight", "ArrowRight", "1", "Enter", "p", "?", "Escape")
    box = root.locator(".sl-canvas").bounding_box()
    p.page.mouse.move(box["x"] + 100, box["y"] + 52)
    assert root.locator(".sl-tip").is_visible()
    assert p.page.evaluate("window.hacked") is None
    assert p.errors == []


@pytest.mark.parametrize("part", [0, 1, 100, 0.5, -1])
def test_truncated_bytes_give_one_sentence(player: Open, part: float):
    """76"""
    head, columns = payloads.linux_small()
    cut = int(part * len(columns)) if 0 < part < 1 else int(part) if part >= 0 else len(columns) + int(part)
    p = player(motion=False)
    p.render((head, columns), cut=cut)
    said = p.root().get_by_role("alert")
    text = said.inner_text()
    assert text.startswith("The trace cannot be read: ")
    assert text.rstrip(".").count(". ") <= 1
    if cut > 100:
        assert str(cut) in text.replace("\u202f", "")
    assert "the text form" in p.root().inner_text()
    p.page.keyboard.press("ArrowRight")
    assert p.errors == []


def test_an_unreadable_trace_after_a_good_one_leaves_nothing_that_answers_for_it(player: Open):
    """76"""
    p = player(payloads.linux_small(), motion=False)
    p.page.evaluate("model.set('columns', new DataView(new ArrayBuffer(8)))")
    p.root().get_by_role("alert").wait_for()
    mark = {"event": 12, "rule": "nobody waits", "say": "hog1 waited 6 ms"}
    p.page.evaluate("m => model.set('marks', m)", {"rules": 3, "broken": [mark]})
    for message in ({"goto": 3}, {"explained": 0, "candidates": None, "lines": None}):
        p.receive(message)
    p.page.evaluate("model.tell('comm_live_update')")
    assert p.errors == []
    p.page.evaluate("text => model.set('columns', bytesOf(text))", b64encode(payloads.linux_small()[1]).decode())
    p.page.wait_for_function("document.querySelector('#here .sl').__player.state().n > 1")
    assert p.errors == []


@pytest.mark.parametrize("head", ["no columns", "strange dtype", "strange head", "missing column"])
def test_a_head_of_another_shape_gives_one_sentence(player: Open, head: str):
    """76"""
    good, columns = payloads.linux_small()
    bad = {
        "no columns": {k: v for k, v in good.items() if k != "columns"},
        "strange dtype": {**good, "columns": {**good["columns"], "events.at": ["i3", 0, 1]}},
        "strange head": {"version": 99, "title": "From elsewhere"},
        "missing column": {**good, "columns": {k: v for k, v in good["columns"].items() if k != "events.at"}},
    }[head]
    p = player(motion=False)
    p.render((bad, columns))
    assert "The trace cannot be read: " in p.root().inner_text()
    assert p.errors == []


@pytest.mark.parametrize("shift", [1, 4, 8, 13])
def test_a_data_view_with_an_offset_is_read_right(player: Open, shift: int):
    """77"""
    payload = payloads.linux_small()
    plain = player(payload, motion=False)
    plain.go(12)
    wanted = picture(plain.root())
    p = player(motion=False)
    p.render(payload, shift=shift)
    p.go(12)
    assert p.errors == []
    own = "sl[0-9a-z]{6}"
    assert strip_ids(picture(p.root()), own) == strip_ids(wanted, own)


def strip_ids(rows: list[str], pattern: str) -> list[str]:
    """Without the ids that each player makes for itself."""
    import re

    return sorted(re.sub(pattern, "", row) for row in rows)


def test_two_views_of_one_model_do_not_fight(player: Open):
    """78"""
    p = player(payloads.linux_small(), motion=False)
    p.again()
    second = p.page.locator("#here2 > .sl")
    state = "() => document.querySelector('#here2 .sl').__player.state()"
    p.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert p.state()["i"] == 3
    assert p.page.evaluate(state)["i"] == 0
    second.get_by_role("button", name="Step", exact=True).click()
    assert p.page.evaluate(state)["i"] == 1
    assert p.state()["i"] == 3
    p.page.wait_for_timeout(400)
    assert p.model["cursor"] == 1, "Python follows the last one used"
    assert p.page.evaluate(state)["i"] == 1
    assert p.state()["i"] == 3
    ids = p.page.evaluate(
        "() => [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, k, all) => all.indexOf(id) !== k)"
    )
    assert ids == []
    p.press("p", "ArrowRight")
    second.locator(".sl-canvas").focus()
    p.page.keyboard.press("p")
    p.page.keyboard.press("ArrowRight")
    groups = p.page.evaluate(
        "[...new Set([...document.querySelectorAll('input[type=radio]')].map(e => e.name))].length"
    )
    asking = [p.state()["predict"]["ask"] >= 0, p.page.evaluate(state)["predict"]["ask"] >= 0]
    assert groups == sum(asking), "the two groups of radios are one"
    p.page.evaluate("cleanup2()")
    p.press("Escape", "Home")
    assert p.state()["i"] == 0
    assert p.errors == []


def test_a_task_that_has_ended_is_not_asleep(player: Open):
    from schedlab import lesson
    from schedlab.views import picture

    trace = lesson("preemption/preemptive").run().explain()
    head, columns, _text, _svg = picture(trace)
    p = player((head, columns), motion=False)
    at = unpack(head, columns)["events.at"]
    gone = [k for k, kind in enumerate(head["kinds"]) if kind["name"] == "exit"]
    kinds = unpack(head, columns)["events.kind"]
    first = next(e for e in range(len(at)) if kinds[e] in gone)
    name = head["tasks"][unpack(head, columns)["events.who"][first]]["name"]
    later = next(e for e in unpack(head, columns)["decisions.event"] if at[e] > at[first])
    p.go(later)
    row = p.root().locator(".p-candidates tbody tr", has_text=name)
    assert row.locator("td").last.inner_text() == "done"


def test_a_player_that_is_shown_later_stands_at_its_lit_line(player: Open):
    payload = payloads.linux_small()
    p = player()
    p.page.evaluate("document.getElementById('here').style.display = 'none'")
    lines = ["# nothing"] * 60
    head = {**payload[0], "source": {**payload[0]["source"], "lines": [*lines, *payload[0]["source"]["lines"]]}}
    head["kinds"] = [{**k, "lit": [x + 60 for x in k["lit"]], "warm": []} for k in head["kinds"]]
    p.render((head, payload[1]), still=True)
    lit = next(e for e, k in enumerate(unpack(*payload)["events.kind"]) if head["kinds"][k]["lit"])
    p.go(lit)
    p.page.evaluate("document.getElementById('here').style.display = ''")
    p.page.wait_for_function("document.querySelector('#here .sl-src').scrollTop > 400")


def test_the_counter_of_a_long_run_does_not_break_the_row_and_the_title_outlives_its_source(player: Open):
    head, columns = payloads.linux_small()
    title = "An editor among three that compute, one of which naps for a while"
    head = {**head, "title": title, "from": "simulated: " + "x" * 200}
    p = player((head, columns), motion=False)
    assert p.root().locator(".sl-head h2").evaluate("e => e.scrollWidth <= e.clientWidth")
    before = p.root().locator(".sl-bar").bounding_box()["height"]
    p.root().locator(".sl-bar .where span").evaluate(
        "e => { e.textContent = 'event 1 485 of 11 141 · decision 1 320 of 7 764'; }"
    )
    assert p.root().locator(".sl-bar").bounding_box()["height"] == before
