"""The player stands up: every payload renders, steps, and the page stays quiet."""

from __future__ import annotations

from itertools import pairwise

import pytest

from schedlab import lesson
from schedlab.lessons.linux_o1 import RUNS
from schedlab.views import picture
from schedlab.views.payload import sentences, unpack
from schedlab.widgets.bundle import PARTS, STYLES, css_text, module_text, slim, source
from schedlab.widgets.play import play
from tests.browser import payloads
from tests.source import ROOT

EVERY = [
    payloads.linux_small,
    payloads.one_task,
    payloads.one_event,
    payloads.empty,
    payloads.hostile_names,
    payloads.many_candidates,
    payloads.slots,
    payloads.marks_of_bars,
    payloads.go_small,
    payloads.kube_small,
    payloads.flights,
    payloads.nodes,
    payloads.unexplained,
    payloads.broken_rules,
]


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_every_payload_renders_and_steps_to_its_end_and_back(player, make):
    head, columns = make()
    p = player((head, columns))
    n = head["counts"]["events"]
    for i in [*range(n), *reversed(range(n))]:
        p.go(i)
        assert p.state()["i"] == i
    assert p.errors == []
    assert p.requests == []
    assert p.page.evaluate("window.hacked") is None


def test_the_sentence_on_the_screen_is_the_one_that_python_fills(player):
    payload = payloads.linux_small()
    p = player(payload)
    for i in (0, 5, 17, 40):
        p.go(i)
        assert p.say() == sentences(*payload)[i][1]


def test_a_step_by_key_moves_one_event_and_says_it(player):
    payload = payloads.linux_small()
    p = player(payload)
    p.press("ArrowRight")
    assert p.state()["i"] == 1
    assert p.live() == sentences(*payload)[1][1]


def test_predict_stops_before_the_first_question_and_answers_go_to_python(player):
    p = player(payloads.linux_small())
    p.press("p", "End")
    asked = p.state()["predict"]["ask"]
    assert asked > 0
    assert p.state()["i"] == asked - 1
    p.press("1")
    p.page.get_by_role("button", name="Reveal").click()
    assert p.state()["i"] == asked
    assert p.model["answers"][0][0] == asked


def test_cleanup_leaves_nothing_in_the_page(player):
    p = player(payloads.linux_small())
    p.page.evaluate("cleanup()")
    assert p.page.locator(".sl").count() == 0
    assert p.page.evaluate("Object.values(model.heard).every(list => list.length === 0)")


# -- what is sent ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("/** Why. */\nconst a = 1; // one\n\n  // alone\n  go(a);", "const a = 1;\ngo(a);\n"),
        ("/* a\n b */\nx\n/* c */ y", "x\ny\n"),
        ("const u = 'http://x'; // a quote before", "const u = 'http://x'; // a quote before\n"),
        ("let d = a / b; // kept", "let d = a / b; // kept\n"),
        ("f(`\n  // text\n`);\n  g();", "f(`\n  // text\n`);\ng();\n"),
    ],
)
def test_comments_and_indentation_stay_behind_and_nothing_else(text, sent):
    assert slim(text) == sent


def test_what_is_sent_is_a_module_of_the_same_exports_and_a_sheet_of_the_same_rules(chromium):
    page = chromium.new_page()
    page.goto("about:blank")
    whole = "\n".join(source(name) for name in PARTS)
    assert len(module_text()) < 0.9 * len(whole)
    assert not any(line.lstrip().startswith(("//", "/*")) for line in (module_text() + css_text()).splitlines())
    for text in (whole, module_text()):
        url = page.evaluate("t => URL.createObjectURL(new Blob([t], { type: 'text/javascript' }))", text)
        exported = page.evaluate("async u => Object.keys(await import(u)).sort().join()", url)
        assert exported == "PALETTE,default,fill,inkOn,number,plain,shown,tame"
    rules = """t => {
      const s = new CSSStyleSheet();
      s.replaceSync(t);
      return [...s.cssRules].map(r => r.cssText.replace(/\\s+/g, ' '));
    }"""
    assert page.evaluate(rules, css_text()) == page.evaluate(rules, "\n".join(source(name) for name in STYLES))
    page.close()


# -- real runs ---------------------------------------------------------------------------------------

SCHEDULERS = ["o1", "o(n)", "v0.01", "cfs", "eevdf"]


def run(scheduler="o1", mode=""):
    head, columns, *_ = picture(RUNS["hook"].but(scheduler=scheduler).run().explain())
    return ({**head, "mode": mode} if mode else head), columns


CUT = """root => [...root.querySelectorAll('.sl-panels *, .sl-side *, .sl-compare *')].flatMap(el => {
  const css = getComputedStyle(el);
  if (el.closest('svg') || !el.clientWidth || css.position === 'absolute') return [];
  const hides = v => v === 'hidden' || v === 'clip';
  const out = [], is = `${el.className} ${el.textContent}`;
  if (hides(css.overflowX) && el.scrollWidth > el.clientWidth + 1 && !el.title) out.push(is);
  if (hides(css.overflowY) && el.scrollHeight > el.clientHeight + 1) out.push(is);
  return out;
})"""


@pytest.mark.parametrize("width", [700, 1000, 1400])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_nothing_is_cut_off_in_the_panels_of_a_real_run(player, width, scheduler):
    payload = run(scheduler)
    p = player()
    p.page.set_viewport_size({"width": width + 40, "height": 1000})
    p.render(payload)
    p.go(payload[0]["still"])
    p.settle()
    root = p.root()
    assert root.evaluate(CUT) == []
    box = root.locator(".p-candidates .sl-scroll")
    assert box.evaluate("b => b.scrollWidth - b.clientWidth") <= 0, "the table needs a sideways scroll"
    value = root.locator(".p-source li.lit em:not(:empty)")
    rule = root.locator(".sl-src").bounding_box()
    assert value.count() == 1
    seen = value.bounding_box()
    assert rule["x"] <= seen["x"]
    assert seen["x"] + seen["width"] <= rule["x"] + rule["width"] + 1


def test_the_rule_is_numbered_as_in_its_file_and_begins_at_the_left(player):
    head, columns = run()
    p = player((head, columns))
    first, lines = head["source"]["first"], head["source"]["lines"]
    assert first > 1
    assert lines[0].startswith("class O1")
    rows = p.root().locator(".sl-src li")
    assert rows.count() == len(lines)
    shown = rows.evaluate_all("all => all.map(li => [...li.querySelectorAll(':scope > span')].map(s => s.textContent))")
    for k, (number, text) in enumerate(shown):
        assert number == str(first + k)
        assert text == lines[k][4 if k else 0 :].replace("\t", "    ")
    assert (ROOT / head["source"]["file"]).read_text().splitlines()[first - 1] == lines[0]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_no_question_tells_its_answer_by_the_order_of_its_candidates(scheduler):
    data = unpack(*run(scheduler))
    first = [*data["decisions.first"], len(data["candidates.task"])]
    places = set()
    for start, stop in pairwise(first):
        tasks = list(data["candidates.task"][start:stop])
        assert tasks == sorted(tasks)
        places.add(list(data["candidates.verdict"][start:stop]).index(0))
    assert len(places) > 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_who_is_the_scheduler_sees_no_ranking_before_the_answer(player, scheduler):
    head, columns = run(scheduler, "scheduler")
    p = player((head, columns))
    decides = head["candidates"]["decides"]
    p.press("End")
    q = p.state()["predict"]["ask"]
    assert q > 0
    table = p.root().locator(".p-candidates tbody tr[data-pick]")
    column = f"td:nth-child({decides + 2})"
    assert table.locator(column).all_inner_texts() == ["?"] * table.count()
    titles = table.locator("td:not(:first-child)").evaluate_all("all => all.map(td => td.title).filter(Boolean)")
    assert titles == [f"{v:.0f}" for k, v in numbers_of(head, columns, q) if k != decides]
    assert not p.root().locator(".p-candidates svg[role=img]").is_visible()
    assert p.root().locator(".p-queues .acc, .p-tree .tokg:visible").count() == 0
    name = p.root().locator(".p-queues svg, .p-tree svg").get_attribute("aria-label")
    assert not any(c.isdigit() for c in name.replace("CPU 0", "")), name
    p.press("1", "Enter")
    assert p.state()["predict"]["ask"] == -1
    assert "?" not in p.root().locator(f".p-candidates tbody {column}").all_inner_texts()
    assert p.errors == []


def numbers_of(head, columns, event):
    """Column and value of all numbers of a decision's candidates."""
    data = unpack(head, columns)
    d = list(data["decisions.event"]).index(event)
    stop = data["decisions.first"][d + 1] if d + 1 < len(data["decisions.first"]) else len(data["candidates.task"])
    for row in range(data["decisions.first"][d], stop):
        for k in range(len(head["candidates"]["columns"])):
            yield k, data[f"candidates.c{k}"][row]


def test_the_text_of_the_same_questions_hides_the_same_number():
    asked, choosing = (play(lesson("o1/hook"), predict=True).text, play(lesson("o1/hook"), scheduler=True).text)
    assert "Priority" in asked
    assert "Priority" not in choosing
    assert "Slice" in choosing


IN_SIGHT = """root => {
  const line = root.querySelector('.p-source li.lit').getBoundingClientRect();
  const box = root.querySelector('.p-source .sl-scroll').getBoundingClientRect();
  return line.top >= box.top - 1 && line.bottom <= box.bottom + 1;
}"""


@pytest.mark.parametrize("how", ["wider", "away and back"])
def test_the_line_that_decided_stays_in_sight_when_its_panel_moves(player, how):
    """A host takes what is scrolled away out of the page; and in a wide page the source stands at the right"""
    payload = run("o1")
    p = player(payload, motion=False)
    p.go(payload[0]["still"])
    root = p.root()
    assert root.evaluate(IN_SIGHT)
    if how == "wider":
        p.page.set_viewport_size({"width": 1500, "height": 900})
    else:
        p.page.evaluate(
            """async () => {
              const here = document.getElementById('here'), widget = here.firstChild;
              const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
              widget.remove();
              await frame();
              here.append(widget);
              await frame();
            }"""
        )
    p.page.wait_for_timeout(200)
    assert root.evaluate(IN_SIGHT)
