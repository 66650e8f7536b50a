"""Level `paper` in miniature: what the paper branches of the notebooks run on in a slow test.

Call `shrink` in a notebook's kernel before its imports: drawn sets become as small as at `smoke`,
networks and trainings small, and everything else stays as the paper has it.
"""

from dataclasses import replace

from ferkit.drawn.sets import SETS


def shrink() -> None:
    """Shrink level `paper` in this process."""
    for drawn_set in SETS.values():
        drawn_set.levels["paper"] = drawn_set.levels["smoke"]
    for shrink_plans in (
        _shrink_multimodal,
        _shrink_i2cnn,
        _shrink_dtagn,
        _shrink_tfe,
        _shrink_emotionaldan,
        _shrink_explain,
    ):
        shrink_plans()


def _shrink_multimodal() -> None:
    from ferkit.papers.multimodal import plans

    plans._ITERATIONS = 12
    plan = plans.PLANS["paper"]
    plans.PLANS["paper"] = replace(plan, size=48, width=0.0625, val_people=1, tested_people=1)


def _shrink_i2cnn() -> None:
    from ferkit.papers.i2cnn.plans import PLANS

    PLANS["paper"] = replace(
        PLANS["paper"],
        face=64,
        side=48,
        crop=43,
        width=0.0625,
        dense=16,
        iterations=dict.fromkeys((1, 5, 60), 4),
        start="he",  # Caffe's small weights leave nothing of so few filters
        folds=2,
    )


def _shrink_dtagn() -> None:
    from ferkit.papers.dtagn.plans import PLANS

    plan = PLANS["paper"]
    recipes = {
        name: replace(getattr(plan, name), epochs=1)
        for name in ("dtan", "small_dtan", "dtgn", "joint")
    }
    PLANS["paper"] = replace(plan, folds=2, filters=8, **recipes)


def _shrink_tfe() -> None:
    from ferkit.papers.tfe.identity import IDENTITIES
    from ferkit.papers.tfe.plans import PLANS

    IDENTITIES.levels["paper"] = IDENTITIES.levels["smoke"]
    plan = PLANS["paper"]
    phases = {
        name: replace(getattr(plan, name), epochs=1, batch=32)
        for name in ("identity", "emotion", "joint")
    }
    PLANS["paper"] = replace(plan, folds=2, size=32, starts=2, **phases)


def _shrink_emotionaldan() -> None:
    from ferkit.papers.emotionaldan import rivals
    from ferkit.papers.emotionaldan.plans import PLANS

    plan = PLANS["paper"]
    PLANS["paper"] = replace(
        plan,
        size=80,  # Inception-V3 needs 75
        width=0.0625,
        as_paper=tuple(replace(recipe, epochs=2, batch=8) for recipe in plan.as_paper),
        as_authors_code=tuple(
            replace(recipe, epochs=2, batch=8) for recipe in plan.as_authors_code
        ),
        plain=replace(plan.plain, epochs=1, batch=8),
        residual=replace(plan.residual, epochs=1, batch=8),
    )
    rivals.imagenet_weights = lambda: None  # they would be downloaded


def _shrink_explain() -> None:
    from ferkit.explain import drawn_faces

    drawn_faces._NEW_PEOPLE["paper"] = drawn_faces._NEW_PEOPLE["smoke"]
    drawn_faces.SEQUENCES_PER_EMOTION["paper"] = drawn_faces.SEQUENCES_PER_EMOTION["smoke"]
