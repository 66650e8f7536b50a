"""Verdicts on the claims of the papers, from the studies alone.

A claim of `reported.toml` that a difference of two methods can judge names its `study`, its `pair`
("first minus second", claimed to be above zero) and the `data` sets; its verdict follows from the
kept results, up to the claim's own `verdict` where the pair tests only a part of it. Other claims
carry the `verdict` that a notebook's numbers gave, with a note.
"""

import pandas as pd

from ferkit.papers import PAPERS, reported, studies
from ferkit.papers.study_records import (
    CONVERGED_SHARE,
    StudyRecord,
    convergence,
    kept_studies,
    load_study,
    paired_differences,
)

HOLDS, PARTLY, NOT_SHOWN, NOT_TESTED = reported.VERDICTS


def claim_table(short_name: str) -> pd.DataFrame:
    """Tabulate a paper's claims with their verdicts, one row a claim.

    Columns claim, where (in the paper), verdict, difference (in points, with its interval over
    people and trainings) and why.
    """
    rows = []
    for claim in reported.paper(short_name).claims:
        verdict, difference, why = judge(claim)
        rows.append(
            {
                "claim": claim.text,
                "where": claim.where,
                "verdict": verdict,
                "difference": difference,
                "why": why,
            }
        )
    index = pd.Index([claim.key for claim in reported.paper(short_name).claims], name="key")
    return pd.DataFrame(rows, index=index)


def all_claims() -> pd.DataFrame:
    """Tabulate the claims of all papers, as of `claim_table`, with the column paper in front."""
    tables = {short_name: claim_table(short_name) for short_name in PAPERS}
    return pd.concat(tables, names=["paper"]).reset_index()


def judge(claim: reported.Claim) -> tuple[str, str, str]:
    """Return a claim's verdict, the measured difference in words, and the reason."""
    if not claim.pair:
        return claim.verdict or NOT_TESTED, "", claim.note
    if claim.study not in kept_studies():
        return NOT_TESTED, "", f"no results of the study {claim.study!r} are kept"
    record = load_study(claim.study)
    first, second = claim.pair.split(" minus ")
    differences = paired_differences(record.predictions, [(first, second)])
    differences = differences[differences["data"].isin(claim.data)]
    rows = differences.to_dict("records")
    found = "; ".join(_describe_difference(row) for row in rows)
    text = f"{studies()[claim.study].pair_title(claim.pair)}: {found}" if found else ""
    if reason := _why_untested(record, claim, (first, second), differences):
        return NOT_TESTED, text, reason
    shown = [_is_shown(row, claim) for row in rows]
    verdict = NOT_SHOWN
    if all(shown):
        verdict = claim.verdict or HOLDS
    elif any(shown):
        verdict = PARTLY
    against = [row["data"] for row in rows if _is_against(row, claim)]
    reasons = [claim.note] if claim.note else []
    if against:
        reasons.append(f"speaks against the claim: {', '.join(against)}")
    return verdict, text, "; ".join(reasons)


def _is_shown(row: dict, claim: reported.Claim) -> bool:
    """Whether the interval of a difference lies where the claim says that the difference lies."""
    if claim.margin:
        return -claim.margin <= row["low"] and row["high"] <= claim.margin
    return row["low"] > -claim.at_most_behind


def _is_against(row: dict, claim: reported.Claim) -> bool:
    """Whether the whole interval lies where the claim says that the difference does not lie."""
    if claim.margin:
        return row["low"] > claim.margin or row["high"] < -claim.margin
    return row["high"] < -claim.at_most_behind


def _why_untested(
    record: StudyRecord,
    claim: reported.Claim,
    pair: tuple[str, str],
    differences: pd.DataFrame,
) -> str:
    """Say why a claim cannot be judged; "" when it can."""
    if missing := [data for data in claim.data if data not in set(differences["data"])]:
        return f"the study has no {claim.pair} on {', '.join(missing)}"
    first, second = pair
    leads = not claim.margin and all(
        _is_shown(row, claim) for row in differences.to_dict("records")
    )
    reasons = []
    for row in select_trainings(record, claim).itertuples():
        # With more training a first method that is shown to lead can only lead by more.
        if row.best > CONVERGED_SHARE and not (leads and row.method == first):
            reasons.append(
                f"the best epoch of {row.method} on {row.data} lies in the last fifth of those run"
            )
        # That a first method is better may be shown where the second lies below the baseline.
        elif row.over_baseline <= 0 and (claim.margin or row.method != second):
            reasons.append(f"{row.method} does not beat the baseline on {row.data}")
    return "; ".join(reasons)


def select_trainings(record: StudyRecord, claim: reported.Claim) -> pd.DataFrame:
    """Select the trainings on which a claim rests, as of `convergence`.

    Classifiers that are no networks have none. ValueError for trainings that the study lacks.
    """
    learnt = convergence(record, studies()[claim.study].baseline)
    if not claim.rests_on:
        of_pair = learnt["method"].isin(claim.pair.split(" minus "))
        return learnt[of_pair & learnt["data"].isin(claim.data)]
    names = learnt["data"] + "/" + learnt["method"]
    if missing := set(claim.rests_on) - set(names):
        raise ValueError(
            f"the claim {claim.key!r} rests on {', '.join(sorted(missing))}, which the study "
            f"{claim.study!r} does not train; it trains: {', '.join(names)}"
        )
    return learnt[names.isin(claim.rests_on)]


def _describe_difference(row: dict) -> str:
    """Write a difference in points, such as "posed +4.2 [1.1, 7.2]"."""
    value, low, high = (100 * row[name] for name in ("value", "low", "high"))
    return f"{row['data']} {value:+.1f} [{low:.1f}, {high:.1f}]"
