"""Decisions with their reasons: from the rows and notes of an explained trace to candidates, verdicts and sentences.

An explained trace holds, before each decision's row, a row `decided` whose note has every candidate
with its numbers (`schedlab.explain` documents it), and rows that tell which hook ran, which field of
a task changed and who moved in a queue. All of that becomes what an event of the player carries.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from schedlab.trace import Trace
from schedlab.views.language import Words
from schedlab.views.look import Form, Look
from schedlab.views.payload import Payload
from schedlab.words import number

MOST_COLUMNS = 5  # of numbers beside a candidate
MOST_CHANGES = 4  # told in one grey line
NAN = math.nan


class Column(NamedTuple):
    """A number of a candidate: `of` is "numbers", "minus", "field" or "term", `key` its name there."""

    of: str
    key: str
    text: str  # of a term: what its line of source holds


class Rule:
    """How this trace's policy compares: chosen once, from all its notes."""

    def __init__(self, trace: Trace, look: Look, words: Words) -> None:
        self.words = words
        self.look = look
        self.notes = [note for note in trace.notes if isinstance(note, dict) and "by" in note]
        self.by = Counter(note["by"] for note in self.notes).most_common(1)[0][0] if self.notes else ""
        source = trace.about.get("source") or {}
        self.first = int(source.get("first", 1))
        self.lines = str(source.get("text", "")).split("\n")
        self.cpus = len(trace.names.get(look.lanes, ()))
        self.fields = {kind.name.removeprefix("field_") for kind in trace.family.kinds if kind.name[:6] == "field_"}
        self.form, self.columns = self._form()
        self.key = next((n for n, c in enumerate(self.columns) if c == Column("numbers", self.by, "")), 0)
        self.reasons: dict[tuple[str, str], int] = {}

    def _form(self) -> tuple[Form, list[Column]]:
        """The form of the family's table; a policy that it does not know gets its terms, or a plain table."""
        form = self.look.forms.get(self.by, Form("table", (self.by,)))
        own = self._terms_of_source()
        ours = all(any(text in mine for _name, text in form.terms) for mine, _text in own)
        terms = list(form.terms) if ours and form.terms else own  # a learner's sum has its own words
        form = form._replace(form="terms") if terms and form.form == "table" and not form.columns[1:] else form
        columns: list[Column] = []
        if form.form == "terms":
            known = [term for term in terms if any(term[1] in line for line in self.lines)]
            columns = [Column("term", name, text) for name, text in known if self.cpus > 1 or name not in form.many]
            if not columns or not any(self._term(c, part.text) for c in self._candidates() for part in columns):
                form, columns = form._replace(form="table"), []  # the sum was made in another file than the one shown
            elif any(self._rest(candidate, columns) for candidate in self._candidates()):
                columns.append(Column("term", "rest", ""))
        for name in form.columns:
            if name.startswith("field:"):
                field = name.removeprefix("field:")
                columns += [Column("field", field, "")] if field in self.fields else []
            elif any(name.removeprefix("minus:") in c["numbers"] for c in self._candidates()):
                columns.append(Column("minus" if name.startswith("minus:") else "numbers", name, ""))
        return form, columns

    def _candidates(self) -> list[dict[str, Any]]:
        return [candidate for note in self.notes for candidate in note["candidates"]]

    def _terms_of_source(self) -> list[tuple[str, str]]:
        """The parts of a learner's own sum: what stands right of `score =` and `score +=` in the judgement."""
        start = next(
            (n for n, line in enumerate(self.lines) if re.match(rf"\s*def {re.escape(self.by)}\(", line)), None
        )
        texts: list[tuple[str, str]] = []
        for line in [] if start is None else self.lines[start + 1 :]:
            if re.match(r"\s*(def|@|class)\b", line):
                break
            match = re.search(r"\bscore\s*[-+]?=\s*(.+?)\s*(#.*)?$", line)
            if match:
                texts.append((match[1], match[1]))
        return texts if 1 < len(texts) < MOST_COLUMNS else []

    def text(self, line: int) -> str:
        """A line of the policy's file, empty outside the class."""
        n = line - self.first
        return self.lines[n] if 0 <= n < len(self.lines) else ""

    def _term(self, candidate: Mapping[str, Any], text: str) -> int:
        """What the lines that hold `text` added to the candidate's sum."""
        before = found = 0
        for line, value in candidate["steps"]:
            if text in self.text(line):
                found += value - before
            before = value
        return found

    def _rest(self, candidate: Mapping[str, Any], columns: Sequence[Column]) -> int:
        total: int = candidate["numbers"].get(self.by, 0)
        return total - sum(self._term(candidate, column.text) for column in columns if column.text)

    def values(self, candidate: Mapping[str, Any], fields: Mapping[str, Mapping[int, int]]) -> list[float]:
        """A candidate's numbers, in the order of the columns; NaN where one is not known."""
        found: list[float] = []
        for column in self.columns:
            if column.of == "field":
                found.append(fields.get(column.key, {}).get(candidate["task"], NAN))
            elif column.of == "numbers":
                found.append(candidate["numbers"].get(column.key, NAN))
            elif column.of == "minus":
                found.append(-candidate["numbers"].get(column.key.removeprefix("minus:"), NAN))
            elif column.text:
                found.append(self._term(candidate, column.text))
            else:
                found.append(self._rest(candidate, self.columns))
        return found

    def shown(self, name: str, value: int) -> int | str:
        """A number of a judgement or field for a sentence: with its unit, where it has one."""
        return f"{number(value / 1e6)} ms" if self.look.units.get(name) == "ns" else value

    def judge(self, p: Payload) -> None:
        """Tell the payload how candidates are shown; the first reason is the winner's."""
        words = self.words
        columns = []
        for column in self.columns:
            prefix = "column.term" if column.of == "term" and column.text else "column"
            ns = self.look.units.get(column.key) == "ns"
            signed = column.key in self.look.signed
            columns.append(
                {
                    "name": words.name(prefix, column.key),
                    "unit": "ms" if ns else "",
                    "scale": 1e6 if ns else 1,
                    "digits": 3 if ns else 0,
                }
                | ({"sign": True} if signed else {})
            )
        more: dict[str, Any] = {"title": words("task"), "decides": self.key}
        more |= {k: words.get(v) if k in ("low", "high") else v for k, v in self.form.more.items()}
        if self.form.form == "terms":
            more["terms"] = [n for n, column in enumerate(self.columns) if column.of == "term"]
            more["total"] = self.key
        elif self.form.form == "bitmap":
            more["size"] = self.form.size
            more["level"] = self.key
        p.judge(self.form.form, columns, **more)
        p.reason(words.get("won"))
        first = self.notes[0]  # all verdicts at once: a part of the run, explained later, has the same numbers
        for name in ("less" if first["best"] == "highest" else "more", "better", "waits"):
            self.reason(p, name)
        self.reason(p, "equal", first.get("tie") or "")
        for name in first.get("filters", ()):
            self.reason(p, "filter", name)

    def reason(self, p: Payload, name: str, about: str = "") -> int:
        """The number of a verdict; `about` is the tie or filter that it speaks of."""
        if (name, about) not in self.reasons:
            words, key = self.words, self.key
            tie = words.get(f"tie.lost.{about}", words.get("tie.lost").replace("{TIE}", _braces(about)))
            told = words.get(f"filter.name.{about}", about.replace("_", " "))
            ms = "ms" if self.look.units.get(self.by) == "ns" else ""
            form = f":{ms}" if ms else ""
            parts = {
                "{DIFF}": f"{{d{key}:|{ms}}}",
                "{MINE}": f"{{c{key}{form}}}",
                "{BEST}": f"{{w{key}{form}}}",
                "{DOT}": f"{{c{self.form.more.get('dot', key)}:|ms}}",
                "{WORD}": _braces(words.name("word", self.by)),
                "{TIE}": tie,
                "{WON}": words.get(f"tie.won.{about}", words.get("tie.won").replace("{TIE}", _braces(about))),
                "{FILTER}": _braces(told),
            }
            own = about if name == "filter" else self.by
            long = words.get(f"{name}.long.{own}", words.get(f"{name}.{own}.long", words.get(f"{name}.long", "")))
            texts = [words.get(f"{name}.{own}", words.get(name)), long]
            for mark, value in parts.items():
                texts = [text.replace(mark, value) for text in texts]
            self.reasons[name, about] = p.reason(*texts)
        return self.reasons[name, about]


def _braces(text: str) -> str:
    """Text that comes from a policy as literal text of a template."""
    return text.replace("{", "{{").replace("}", "}}")


class Decisions:
    """Writes decisions: candidates with verdicts, the sentence, the lines of the rule."""

    def __init__(self, p: Payload, rule: Rule, tasks: Sequence[int], words: Words, predict: bool | None) -> None:
        self.p, self.rule, self.tasks, self.words, self.predict = p, rule, tasks, words, predict

    def write(self, event: int, note: Mapping[str, Any], fields: Mapping[str, Mapping[int, int]], small: str) -> None:
        """The decision of `event`, whose moves so far precede the choice. `small`: the template of its grey line."""
        eligible, refused = self._sort(note)
        self.p.decide(event, self._rows(note, fields), self.predict, self.p.moves_of(event))
        template, *values = self.sentence(note, eligible)
        self.p.note(event, template, *values)
        if refused:
            small = f"{small} {self.words.get('refused')}".strip()
        if small:
            self.p.small(event, small, [self.tasks[c["task"]] for c in refused])
        self.lines(event, note.get("lines", ()), note.get("lit"), note.get("value") or self._name(note["winner"]))

    def _name(self, task: int) -> str:
        return str(self.p.head["tasks"][self.tasks[task]]["name"]) if task >= 0 else ""

    def _sort(self, note: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Candidates that were compared, and those that a filter refused."""
        known = [c for c in note["candidates"] if 0 <= c["task"] < len(self.tasks) - 1]
        compared = [c for c in known if c["verdict"] in ("won", "tie", "worse")]
        return compared, [c for c in known if c["verdict"] not in ("won", "tie", "worse")]

    def _rows(self, note: Mapping[str, Any], fields: Mapping[str, Mapping[int, int]]) -> list[tuple[float, ...]]:
        rule, by = self.rule, note["by"]
        won = next((c["numbers"].get(by) for c in note["candidates"] if c["verdict"] == "won"), None)
        rows = []
        for candidate in note["candidates"]:
            if not 0 <= candidate["task"] < len(self.tasks) - 1:
                continue
            verdict, mine = candidate["verdict"], candidate["numbers"].get(by)
            if verdict == "won":
                reason = 0
            elif verdict == "tie":
                reason = rule.reason(self.p, "equal", note.get("tie") or "")
            elif verdict != "worse":
                reason = rule.reason(self.p, "filter", verdict)
            elif won is None or mine is None:
                reason = rule.reason(self.p, "waits")
            elif (mine > won) == (note["best"] == "highest"):
                reason = rule.reason(self.p, "better")
            else:
                reason = rule.reason(self.p, "more" if mine > won else "less")
            rows.append((self.tasks[candidate["task"]], reason, *rule.values(candidate, fields)))
        return rows

    def sentence(self, note: Mapping[str, Any], eligible: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
        """Template and values: why the winner, against whom."""
        words, by = self.words, note["by"]
        winner = next((c for c in eligible if c["verdict"] == "won"), None)
        others = [c for c in eligible if c is not winner]
        if winner is None:
            return (None,)
        if not others:
            refused = sorted({str(c["verdict"]) for c in note["candidates"]} - {"won", "tie", "worse"})
            if refused:
                told = words.get(f"filter.name.{refused[0]}", refused[0].replace("_", " "))
                return (words.get("pick.alone.filter"), told)
            return (words.get(f"pick.alone.{by}", words.get("pick.alone")),)
        mine, word, shown = winner["numbers"][by], words.name("word", by), self.rule.shown
        high = note["best"] == "highest"
        next_ = max(others, key=lambda c: c["numbers"][by] if high else -c["numbers"][by])
        theirs, count, other = next_["numbers"][by], len(eligible), self.tasks[next_["task"]]
        if theirs == mine:
            about = note.get("tie") or ""
            tie = words.get(f"tie.won.{about}", words.get("tie.won").replace("{TIE}", about))
            equal = 1 + sum(c["numbers"][by] == mine for c in others)
            said = words.get(f"pick.tie.{by}", words.get("pick.tie"))
            if equal > 2:
                said = words.get(f"pick.ties.{by}", words.get("pick.ties"))
            return (said, word, shown(by, mine), equal, 0, other, tie)
        if (theirs > mine) == high:
            return (words.get("pick.against"), word, shown(by, mine), count, shown(by, theirs), other)
        key = "pick.highest" if high else "pick.lowest"
        template = words.get(f"{key}.{by}", words.get(key))
        return (template, word, shown(by, mine), count, shown(by, abs(mine - theirs)), other)

    def lines(self, event: int, ran: Sequence[int], lit: int | None, value: str) -> None:
        """The rule's lines that ran, the deciding one lit with its value; lines of other files are not shown."""
        rule, count = self.rule, len((self.p.head["source"] or {}).get("lines", ()))
        shown = [line - rule.first + 1 for line in ran if 0 < line - rule.first + 1 <= count]
        at = None if lit is None else lit - rule.first + 1
        if at is not None and 0 < at <= count:
            self.p.line(event, at, value or None)
        for line in shown:
            if line != at:
                self.p.line(event, line, warm=True)


class Changes:
    """Fields that have changed since the last event, in words."""

    def __init__(self, words: Words, look: Look) -> None:
        self.words, self.look = words, look
        self.fields: dict[str, dict[int, int]] = {}
        self.due: list[tuple[int, str, int, int | None]] = []  # task, field, new, old

    def put(self, task: int, field: str, new: int, old: int) -> None:
        """A field of a task has another value now."""
        known = self.fields.setdefault(field, {})
        self.due.append((task, field, new, old if task in known else None))
        known[task] = new

    def take(self) -> list[tuple[int, str, int, int | None]]:
        """What is due, once."""
        due, self.due = self.due, []
        return due

    def told(self, due: Sequence[tuple[int, str, int, int | None]], subject: int, names: Sequence[str]) -> list[str]:
        """The changes as words: the subject's own first and without its name."""
        words = self.words
        ordered = sorted(due, key=lambda one: one[0] != subject)
        texts = []
        for task, field, new, old in ordered[:MOST_CHANGES]:
            shown = [self._value(field, v) for v in (old, new)]
            text = words("change" if old is not None else "change.first", words.name("word", field), *shown)
            texts.append(text if task == subject else words("change.of", names[task], text))
        if len(ordered) > MOST_CHANGES:
            texts.append(words("change.more", len(ordered) - MOST_CHANGES))
        return texts

    def _value(self, field: str, value: int | None) -> str:
        if value is None:
            return ""
        if self.look.units.get(field) == "ns":
            return f"{number(value / 1e6)} ms"
        return number(value)
