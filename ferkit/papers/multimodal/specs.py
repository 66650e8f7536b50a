"""The network of paper 1 that is kept in files: the picture branch alone."""

from ferkit.faces.views import View
from ferkit.papers.multimodal.network import SingleBranch
from ferkit.papers.multimodal.plans import PLANS
from ferkit.papers.multimodal.study import restart_branches
from ferkit.training.spec import NetworkSpec, Study


def whole_face(size: int) -> tuple[View, ...]:
    """The aligned face at `size` pixels."""
    return (View(size),)


SINGLE_BRANCH = NetworkSpec(
    name="single_branch",
    title="AlexNet-256 (multimodal)",
    build=SingleBranch,
    views=whole_face,
    cam_layer="visual.trunk.13",
    dataset="stills",
)
NETWORKS = (SINGLE_BRANCH,)
STUDIES = (
    Study(
        name="multimodal",
        folder="multimodal",
        title="Paper 1",
        measure="accuracy",
        other_measures={"stills/gap": "accuracy of training people minus that of test people"},
        pairs=(
            ("svm_residual", "svm_raw"),
            ("svm_residual_aligned", "svm_residual"),
            ("svm_residual", "alexnet"),
            ("both_hinge", "svm_residual"),
            ("both_hinge", "alexnet"),
            ("both_cross_entropy", "softmax_residual"),
            ("both_cross_entropy", "both_hinge"),
            ("alexnet", "hog"),
            ("alexnet", "two_networks"),
            ("alexnet", "two_heads"),
            ("usual rate", "ten times the rate"),
            ("dropout 0.5", "dropout 0.8"),
        ),
        train_restart=restart_branches,
        plans=PLANS,
        titles={
            "svm_raw": "SVM, raw landmarks",
            "svm_residual": "SVM, residuals",
            "svm_residual_aligned": "SVM, residuals of 68 aligned points",
            "softmax_residual": "softmax, residuals",
            "hog": "HOG, ridge",
            "alexnet": "pictures alone",
            "both_hinge": "both, hinge",
            "both_cross_entropy": "both, cross-entropy",
            "two_networks": "two networks",
            "two_heads": "two heads",
        },
        baseline="hog",
    ),
)
