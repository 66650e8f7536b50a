"""The face models that come with the package, and those of a run of notebook 02."""

from pathlib import Path

from ferkit.predict.face_model import FaceModel

MODEL_FILES = {"single": "face.safetensors", "residual": "face-residual.safetensors"}
SHIPPED = Path(__file__).parent / "weights"


def model_path(kind: str = "single", out: str | Path | None = None) -> Path:
    """Where the package, or the run in `out`, keeps a model."""
    folder = SHIPPED if out is None else Path(out) / "models"
    return folder / MODEL_FILES[kind]


def load_model(kind: str = "single", out: str | Path | None = None) -> FaceModel:
    """Load the model that comes with the package, or that of the run in `out`."""
    return FaceModel.load(model_path(kind, out))
