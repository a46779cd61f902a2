"""The look: colours that all can tell apart, any host's tone, no motion where none is wanted, text that fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest

from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import (
    DEFICIENCIES,
    ciede2000,
    contrast,
    contrasts_on_screen,
    lab_of,
    linear,
    rgb,
    seen_with,
    style,
    unreadable,
)

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

GROUNDS = {"light": "#ffffff", "dark": "#111111"}
FAMILIES: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
}
WIDTHS = (700, 1000, 1400)
LAPTOP = 690  # px of a notebook on a 13-inch screen


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_measure_of_colours_is_the_published_one(
    one: tuple[float, float, float], other: tuple[float, float, float], difference: float
):
    """Pairs of Sharma, Wu, Dalal 2005, "The CIEDE2000 Color-Difference Formula", table 1."""
    assert ciede2000(one, other) == pytest.approx(difference, abs=5e-5)
    assert ciede2000(other, one) == pytest.approx(difference, abs=5e-5)


def test_twelve_colours_stand_out_from_the_ground_and_letters_from_them(player: Open):
    """62"""
    p = player()
    for tone, ground in GROUNDS.items():
        colours, letters = p.page.evaluate("t => [module.PALETTE[t], module.PALETTE[t].map(module.inkOn)]", tone)
        assert len(set(colours)) == 12
        for colour, letter in zip(colours, letters):
            assert contrast(colour, ground) >= 3, colour
            assert contrast(colour, letter) >= 4.5, colour


LABELS = """() => {
  const { time } = document.querySelector('#here .sl').__player.app, box = time.box.getBoundingClientRect();
  return time.labels.map(l => [box.x + l.x - 5, box.y + 28 + l.y - 9, 10, 10]);
}"""


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("futures", [1, 2])
def test_what_is_written_on_bars_is_readable_before_and_behind_the_play_head(player: Open, theme: str, futures: int):
    """Bars fade, their names do not: twelve colours, in the future, in the past and in what two futures share."""
    a = payloads.palette()
    more: dict[str, object] = {}
    if futures == 2:
        more = {"head_b": a[0], "fork_info": {"prefix": 6, "differ_a": 6, "differ_b": 6, "stay": True}}
    p = player(a, motion=False, theme=theme, **more)
    if futures == 2:
        p.page.evaluate("() => model.set('columns_b', model.get('columns'))")
    p.press("0")
    for event in (0, 3, 11):
        p.go(event)
        p.page.mouse.move(0, 0)
        boxes = p.page.evaluate(LABELS)
        assert len(boxes) == futures * 12 + (futures - 1) * 2
        seen = contrasts_on_screen(p.page, boxes)
        assert min(seen) >= 4.5, (event, [round(c, 1) for c in seen])


@pytest.mark.parametrize("theme", GROUNDS)
def test_what_is_on_the_screen_wears_those_colours(player: Open, theme: str):
    """62: and the tokens that are drawn do as the table says"""
    p = player(payloads.many_candidates(12), motion=False, theme=theme)
    tokens = p.root().locator(".p-candidates tbody .tok").all()
    assert len(tokens) == 12
    palette = p.page.evaluate("t => module.PALETTE[t]", theme)
    for k, token in enumerate(tokens):
        seen = style(token, "background-color", "color")
        assert rgb(seen["background-color"]) == rgb(palette[k])
        assert contrast(seen["background-color"], seen["color"]) >= 4.5
        plate = style(token.locator("i"), "background-color", "background-image")
        assert rgb(plate["background-color"]) == rgb(palette[k])
        assert plate["background-image"] == "none", "a pattern runs behind the letter"


def test_colours_of_one_pattern_differ_for_everybody(player: Open):
    """63"""
    p = player()
    for tone in GROUNDS:
        colours = p.page.evaluate("t => module.PALETTE[t]", tone)
        for group in (colours[0:4], colours[4:8], colours[8:12]):
            for one, other in combinations(group, 2):
                assert ciede2000(lab_of(linear(rgb(one))), lab_of(linear(rgb(other)))) >= 20
                for deficiency in DEFICIENCIES:
                    seen = [lab_of(seen_with(deficiency, c)) for c in (one, other)]
                    assert ciede2000(*seen) >= 20, (tone, deficiency, one, other)


HOSTS = {
    "JupyterLab's dark variables": ("--jp-layout-color0: #111111; --jp-ui-font-color0: rgba(255, 255, 255, 1)", "dark"),
    "JupyterLab's light variables": ("--jp-layout-color0: #ffffff; --jp-ui-font-color0: rgba(0, 0, 0, 1)", "light"),
    "a dark ground alone": ("background: #1b2430", "dark"),
    "a light ground alone": ("background: #f5efe0", "light"),
}


def canvas_colours(p: PlayerPage) -> set[tuple[int, int, int]]:
    found = p.page.evaluate(
        """() => {
          const c = document.querySelector('#here canvas');
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          const count = new Map();
          for (let k = 0; k < d.length; k += 4) if (d[k + 3] > 250) {
            const key = [d[k], d[k + 1], d[k + 2]].join();
            count.set(key, (count.get(key) ?? 0) + 1);
          }
          return [...count].filter(x => x[1] > 60).map(x => x[0].split(',').map(Number));
        }"""
    )
    return {(r, g, b) for r, g, b in found}


def test_switching_the_hosts_theme_recolours_canvas_and_svg_without_reload(player: Open):
    """64"""
    p = player(motion=False)
    p.page.evaluate("v => document.body.style.cssText = v", HOSTS["JupyterLab's light variables"][0])
    p.render(payloads.linux_small())
    p.go(12)
    seen: dict[str, tuple[set[tuple[int, int, int]], set[str], str]] = {}
    for tone in ("light", "dark", "light"):
        wanted = HOSTS[f"JupyterLab's {tone} variables"][0]
        p.page.evaluate("v => document.body.style.cssText = v", wanted)
        p.page.wait_for_function("t => document.querySelector('#here .sl').dataset.tone === t", arg=tone)
        p.page.wait_for_timeout(50)
        texts = p.root().locator(".p-candidates svg text, .p-tree svg text").all()
        fills = {style(t, "fill")["fill"] for t in texts if t.is_visible()}
        now = (canvas_colours(p), fills, style(p.root(), "background-color")["background-color"])
        if tone in seen:
            assert now == seen[tone], "going back does not restore it"
        seen[tone] = now
    palettes = {
        t: {tuple(round(v * 255) for v in rgb(c)) for c in p.page.evaluate("t => module.PALETTE[t]", t)}
        for t in GROUNDS
    }
    assert seen["light"][0] & palettes["light"]
    assert seen["dark"][0] & palettes["dark"]
    assert not seen["dark"][0] & palettes["light"]
    assert seen["light"][1] != seen["dark"][1]
    assert p.state()["i"] == 12


# The host hides what is scrolled away while the theme changes, and shows it again before a frame is drawn.
THEME_WHILE_HIDDEN = """async rules => {
  const here = document.getElementById('here');
  here.style.display = 'none';
  document.body.style.cssText = rules;
  await null; // the change is heard of now
  here.style.display = '';
}"""


def test_a_theme_that_changes_while_the_player_is_hidden_recolours_it_too(player: Open):
    """64"""
    p = player(motion=False)
    p.page.evaluate("v => document.body.style.cssText = v", HOSTS["JupyterLab's light variables"][0])
    p.render(payloads.linux_small())
    p.go(12)
    before = canvas_colours(p)
    p.page.evaluate(THEME_WHILE_HIDDEN, HOSTS["JupyterLab's dark variables"][0])
    p.page.wait_for_function("() => document.querySelector('#here .sl').dataset.tone === 'dark'")
    p.page.wait_for_timeout(400)
    palettes = {
        t: {tuple(round(v * 255) for v in rgb(c)) for c in p.page.evaluate("t => module.PALETTE[t]", t)}
        for t in GROUNDS
    }
    assert before & palettes["light"]
    assert canvas_colours(p) & palettes["dark"]
    assert not canvas_colours(p) & palettes["light"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_reads_as_what_its_ground_is(player: Open, host: str):
    """65"""
    rules, tone = HOSTS[host]
    p = player(motion=False)
    p.page.evaluate("v => document.body.style.cssText = v", rules)
    p.render(payloads.linux_small())
    assert p.root().get_attribute("data-tone") == tone
    css = style(p.root(), "background-color", "color")
    assert contrast(css["background-color"], css["color"]) > 10
    muted = style(p.root().locator(".sl-head .from").first, "color")["color"]
    accent = style(p.root().locator(".sl-head-line b"), "background-color")["background-color"]
    if muted.startswith("rgb"):
        assert contrast(css["background-color"], muted) >= 4.5
    assert contrast(css["background-color"], accent) >= 4.5


def moves(p: PlayerPage, key: str, wait: int = 450) -> tuple[int, int]:
    """How often the play-head was put somewhere after a key, and how many animations ran."""
    p.page.evaluate(
        """() => {
          window.moved = 0; window.running = 0;
          const line = document.querySelector('#here .sl-head-line');
          window.watch?.disconnect();
          window.watch = new MutationObserver(all => { window.moved += all.length; });
          window.watch.observe(line, { attributes: true, attributeFilter: ['style'] });
          const root = document.querySelector('#here .sl'), until = performance.now() + 400;
          const look = () => {
            window.running = Math.max(window.running, root.getAnimations({ subtree: true }).length);
            if (performance.now() < until) requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }"""
    )
    p.press(key)
    p.page.wait_for_timeout(wait)
    found: list[int] = p.page.evaluate("[window.moved, window.running]")
    return found[0], found[1]


@pytest.mark.parametrize("by", ["system", "Python"])
def test_with_reduced_motion_no_frame_lies_between_two_steps(player: Open, by: str):
    """66"""
    p = player(payloads.linux_small(), motion=by == "Python", still=by == "Python")
    p.go(2)
    for key in ("ArrowRight", "ArrowRight", "0", "+"):
        moved, running = moves(p, key)
        assert moved <= 2, "the play-head passed through places between"
        assert running == 0
    assert style(p.root().locator(".p-source .sl-scroll").first, "scroll-behavior")["scroll-behavior"] == "auto"
    go = player(payloads.go_small(), motion=by == "Python", still=by == "Python")
    go.go(9)
    go.press("k")
    go.page.wait_for_timeout(150)
    assert go.state()["playing"]
    assert go.root().evaluate("root => root.getAnimations({ subtree: true }).length") == 0, "a ring turns"


def test_with_motion_a_step_glides_and_the_ring_turns_only_while_playing(player: Open):
    """66: the same measure sees the motion where there is some, so the test above can fail"""
    p = player(payloads.linux_small())
    p.go(2)
    moved, running = moves(p, "ArrowRight")
    assert moved > 4
    assert running > 0
    go = player(payloads.go_small())
    go.go(9)
    go.settle()
    assert (
        go.root().evaluate(
            "root => root.getAnimations({ subtree: true }).filter(a => a.playState === 'running').length"
        )
        == 0
    )
    go.press("k")
    go.page.wait_for_timeout(100)
    assert (
        go.root().evaluate(
            "root => root.getAnimations({ subtree: true }).filter(a => a.playState === 'running').length"
        )
        > 0
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_height_does_not_change_over_fifty_steps(player: Open, family: str, width: int):
    """67"""
    p = player(FAMILIES[family](), motion=False, width=width, height=1500)
    heights = set()
    parts = set()
    for i in range(min(50, p.state()["n"])):
        p.go(i)
        heights.add(p.root().evaluate("root => root.getBoundingClientRect().height"))
        parts.add(
            tuple(p.root().evaluate("root => [...root.querySelectorAll('.sl-say, .sl-panel')].map(e => e.offsetTop)"))
        )
    assert len(heights) == 1
    assert len(parts) == 1, "a part moved inside"
    if (family, width) == ("linux", 1000):
        assert heights.pop() <= LAPTOP


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", [*WIDTHS, 470])
def test_no_text_is_under_11_px_or_clipped(player: Open, family: str, width: int):
    """68"""
    p = player(FAMILIES[family](), motion=False, width=width, height=1500)
    n = p.state()["n"]
    found = []
    for i in {0, 7, 12, n // 2, n - 1}:
        p.go(i)
        found += [f"event {i}: {fault}" for fault in unreadable(p.root())]
    assert found == []


@pytest.mark.parametrize(
    "state", ["question", "verdict", "dialog", "fork", "marks", "slots", "terms", "bitmap", "nodes", "flights"]
)
def test_no_text_is_clipped_in_other_states(player: Open, state: str):
    """68"""
    given = {
        "marks": payloads.broken_rules,
        "slots": payloads.slots,
        "terms": lambda: payloads.many_candidates(5, "terms"),
        "bitmap": lambda: payloads.many_candidates(20, "bitmap"),
        "nodes": payloads.nodes,
        "flights": payloads.flights,
    }
    found = []
    for width in WIDTHS:
        p = player(given.get(state, payloads.linux_small)(), motion=False, width=width, height=1500)
        if state in ("question", "verdict"):
            p.press("p", "ArrowRight", "ArrowRight")
        if state == "verdict":
            p.page.keyboard.press("2")
            p.root().get_by_role("button", name="Reveal").click()
        elif state == "dialog":
            p.press("?")
        elif state == "fork":
            p.press("f")
        elif state in given:
            p.go(min(3, p.state()["n"] - 1))
        found += [f"{width}: {fault}" for fault in unreadable(p.root())]
    assert found == []


def test_in_forced_colours_play_head_tokens_and_winner_can_be_told(player: Open):
    """69"""
    p = player(payloads.linux_small(), motion=False, forced=True)
    p.go(12)
    system = p.page.evaluate(
        """() => Object.fromEntries(['Highlight', 'Canvas', 'CanvasText'].map(name => {
          const e = document.body.appendChild(document.createElement('i'));
          e.style.cssText = `forced-color-adjust: none; color: ${name}`;
          const value = getComputedStyle(e).color;
          e.remove();
          return [name, value];
        }))"""
    )
    line = p.page.evaluate(
        "getComputedStyle(document.querySelector('#here .sl-head-line'), '::before').backgroundColor"
    )
    pill = style(p.root().locator(".sl-head-line b"), "background-color")["background-color"]
    assert (line, pill) == (system["Highlight"], system["Highlight"])
    assert system["Highlight"] != system["Canvas"]
    token = style(p.root().locator(".p-candidates .tok").first, "border-top-style", "border-top-width")
    assert token["border-top-style"] == "solid"
    assert float(token["border-top-width"].removesuffix("px")) >= 1
    box = style(p.root().locator(".p-tree .tokbox").first, "stroke", "stroke-width")
    assert box["stroke"] != "none"
    assert "▶ runs" in p.root().locator("tr.won").inner_text()
    assert "▶ runs" not in p.root().locator(".p-candidates tbody tr:not(.won)").first.inner_text()


# -- what decides is in sight --------------------------------------------------------------------------

IN_SIGHT = """rows => rows.map(row => {
  const box = row.closest('.sl-scroll').getBoundingClientRect(), r = row.getBoundingClientRect();
  return r.top >= box.top - 1 && r.bottom <= box.bottom + 1;
})"""


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_leaves_room_for_six_rows(player: Open, width: int):
    p = player(payloads.many_candidates(6, "ruler"), motion=False, width=width, height=1500)
    rows = p.root().locator(".p-candidates tbody tr")
    for event in (0, 3, 5):
        p.go(event)
        assert rows.evaluate_all(IN_SIGHT) == [True] * 6


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("form", ["table", "ruler", "terms"])
def test_the_row_that_runs_and_the_names_of_the_columns_are_in_sight(player: Open, form: str, width: int):
    p = player(payloads.many_candidates(12, form), motion=False, width=width, height=1500)
    for event in range(p.state()["n"]):
        p.go(event)
        assert p.root().locator("tr.won").evaluate_all(IN_SIGHT) == [True], event
        assert all(p.root().locator(".p-candidates th").evaluate_all(IN_SIGHT)), event


def test_a_reader_scrolls_freely_until_another_choice(player: Open):
    p = player(payloads.many_candidates(12), motion=False)
    p.go(9)
    box = p.root().locator(".p-candidates .sl-scroll")
    box.evaluate("e => e.scrollTo(0, 0)")
    p.page.evaluate("() => document.querySelector('#here .sl').__player.app.refresh()")
    assert box.evaluate("e => e.scrollTop") == 0


def test_queues_leave_out_empty_slots_and_show_the_cpu_that_must_choose(player: Open):
    from schedlab import lesson
    from schedlab.views import picture

    p = player(picture(lesson("stealing/game").run().explain(), predict=True)[:2], motion=False, width=960)
    p.press("p")
    p.root().get_by_role("button", name="To the question").click()
    assert "CPU 2 must choose" in p.root().locator(".sl-say").inner_text()
    names = p.root().locator(".p-queues svg > g > text", has_text="CPU 2")
    assert names.evaluate_all(IN_SIGHT) == [True]
    assert p.root().locator(".p-candidates tr[data-pick]").evaluate_all(IN_SIGHT) == [True] * 6


def test_tasks_in_slots_are_not_said_to_wait(player: Open):
    """One of them runs, another may sleep."""
    p = player(payloads.slots(), motion=False)
    assert p.root().locator(".p-queues header span").inner_text() == "4 in slots"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_ruler_without_a_threshold_says_what_it_measures(player: Open, width: int):
    p = player(payloads.many_candidates(6, "ruler"), motion=False, width=width)
    texts = p.root().locator(".p-candidates svg > text").all_text_contents()
    assert texts[0] == payloads.many_candidates(6, "ruler")[0]["candidates"]["columns"][0]["name"]
    assert len(texts) >= 3
    assert all(re.fullmatch(r"[−\d.]+", text) for text in texts[1:])


def test_a_ruler_far_from_zero_has_an_end(player: Open):
    """Where numbers lie further apart than its steps."""
    p = player(payloads.many_candidates(6, "ruler", above=1e17), motion=False)
    assert 1 < p.root().locator(".p-candidates svg > text").count() < 50
    assert p.errors == []


@pytest.mark.parametrize("theme", GROUNDS)
def test_a_picture_that_is_older_than_the_cursor_fades_but_not_its_letters(player: Open, theme: str):
    p = player(payloads.linux_small(), motion=False, theme=theme)
    p.go(5)
    while not p.root().locator(".p-candidates.old").count():
        p.press("ArrowRight")
    boxes = p.page.evaluate(
        """() => [...document.querySelectorAll('#here .p-candidates svg .tokbox ~ text')].map(e => {
          const r = e.getBoundingClientRect();
          return [r.x - 2, r.y + 2, r.width + 4, r.height - 4];
        }).filter(box => box[2] > 4)"""
    )
    assert boxes
    assert min(contrasts_on_screen(p.page, boxes)) >= 4.5


# -- nothing covers or cuts another --------------------------------------------------------------------

APART = """([one, other]) => {
  const boxes = css => [...document.querySelectorAll(`#here ${css}`)].map(e => e.getBoundingClientRect());
  const [a, b] = [one, other].map(boxes);
  return a.every(p => b.every(q => p.right <= q.left || q.right <= p.left || p.bottom <= q.top || q.bottom <= p.top));
}"""


@pytest.mark.parametrize("width", [534, *WIDTHS])
def test_the_play_heads_time_stays_off_the_buttons(player: Open, width: int):
    p = player(payloads.linux_small(), motion=False, width=width)
    p.press("End", "0")
    assert p.page.evaluate(APART, [".sl-head-line b", ".sl-head button"])


@pytest.mark.parametrize("width", [870, 960, 1000, 1250, 1400])
def test_the_counter_is_whole_and_no_step_moves_a_button(player: Open, width: int):
    p = player(payloads.linux_small(), motion=False, width=width)
    places = set()
    for event in range(0, p.state()["n"], 11):
        p.go(event)
        count = p.root().locator(".sl-bar .where span")
        assert count.evaluate("e => e.scrollWidth <= e.clientWidth"), count.inner_text()
        places.add(tuple(p.root().locator(".sl-bar button").evaluate_all("all => all.map(e => e.offsetLeft)")))
    assert len(places) == 1


def test_a_narrow_player_shows_its_whole_title_and_where_its_trace_comes_from(player: Open):
    head, columns = payloads.linux_small()
    p = player(({**head, "title": "The same three programs under Linux 2.4, 2001"}, columns), motion=False, width=534)
    title = p.root().locator("h2")
    assert title.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1")
    assert p.root().locator(".sl-head .from").first.is_visible()


@pytest.mark.parametrize("width", [534, *WIDTHS])
def test_the_value_of_the_line_that_decides_covers_none_of_it(player: Open, width: int):
    p = player(payloads.linux_small(), motion=False, width=width, height=1500)
    seen = 0
    for event in range(40):
        p.go(event)
        found = p.page.evaluate(
            """() => [...document.querySelectorAll('#here .sl-src li')].filter(li => li.querySelector('em').textContent)
              .map(li => {
                const code = li.children[1], em = li.querySelector('em').getBoundingClientRect();
                const range = document.createRange(), box = li.closest('.sl-scroll').getBoundingClientRect();
                range.selectNodeContents(code);
                const text = range.getBoundingClientRect();
                return [em.left >= text.right - 1 || em.top >= text.bottom - 4, em.right <= box.right + 1];
              })"""
        )
        seen += len(found)
        assert all(all(one) for one in found), event
    assert seen


@pytest.mark.parametrize("width", [1000, 1400])
def test_no_edge_of_a_tree_crosses_what_is_written(player: Open, width: int):
    p = player(payloads.linux_small(), motion=False, width=width)
    drawn = 0
    for event in range(40):
        p.go(event)
        drawn += p.root().locator(".p-tree svg g > line").count()
        assert p.page.evaluate(APART, [".p-tree svg > g:nth-of-type(2) > line", ".p-tree svg text.halo"]), event
    assert drawn


def test_each_key_of_the_dialog_stands_on_one_line(player: Open):
    p = player(payloads.linux_small(), motion=False)
    p.press("?")
    assert max(p.root().locator("dialog dt").evaluate_all("all => all.map(e => e.offsetHeight)")) < 24
