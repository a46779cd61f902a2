"""See how schedulers decide.

    from schedlab import Scenario, play
    play(Scenario("o1", tasks=[{"name": "hog"}, {"name": "editor", "does": [...]}], until="2s"))

The names below are loaded when they are first used, so that `import schedlab` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

# public name -> the module that has it
_HOME = {
    # runs
    "Scenario": "scenario",
    "ScenarioError": "scenario",
    "Trace": "trace",
    "judgement": "trace",
    # in a lesson
    "lesson": "lessons.catalogue",
    "play": "widgets.play",
    "explore": "widgets.knobs",
    "Knob": "widgets.knobs",
    "quiz": "lessons.asking",
    "predict_one": "lessons.asking",
    "show": "lessons.quoting",
    "diff": "lessons.quoting",
    "exercise": "lessons.catalogue",
    "check": "lessons.checking",
    "simplified": "lessons.listing",
    "elsewhere": "lessons.listing",
    "terms": "lessons.listing",
    # schedulers to derive from and to quote
    "Scheduler": "design.scheduler",
    "Cooperative": "design.cooperative",
    "Preemptive": "design.preemptive",
    "Sharing": "design.sharing",
    "Stealing": "design.stealing",
    "Policy": "linux.policy",
    "SchedExt": "linux.scx",
    "V001": "linux.v001",
    "ON": "linux.on",
    "O1": "linux.o1",
}
__all__ = [
    "__version__",
    "Cooperative", "Knob", "ON", "O1", "Policy", "Preemptive", "Scenario", "ScenarioError", "SchedExt", "Scheduler",
    "Sharing", "Stealing", "Trace", "V001",
    "check", "diff", "elsewhere", "exercise", "explore", "judgement", "lesson", "play", "predict_one", "quiz", "show",
    "simplified", "terms",
]  # fmt: skip

if TYPE_CHECKING:
    from schedlab.design.cooperative import Cooperative
    from schedlab.design.preemptive import Preemptive
    from schedlab.design.scheduler import Scheduler
    from schedlab.design.sharing import Sharing
    from schedlab.design.stealing import Stealing
    from schedlab.lessons.asking import predict_one, quiz
    from schedlab.lessons.catalogue import exercise, lesson
    from schedlab.lessons.checking import check
    from schedlab.lessons.listing import elsewhere, simplified, terms
    from schedlab.lessons.quoting import diff, show
    from schedlab.linux.o1 import O1
    from schedlab.linux.on import ON
    from schedlab.linux.policy import Policy
    from schedlab.linux.scx import SchedExt
    from schedlab.linux.v001 import V001
    from schedlab.scenario import Scenario, ScenarioError
    from schedlab.trace import Trace, judgement
    from schedlab.widgets.knobs import Knob, explore
    from schedlab.widgets.play import play


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'schedlab' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"schedlab.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
