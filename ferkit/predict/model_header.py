"""Which kind of model a file holds, by its header."""

from pathlib import Path

from ferkit.core.sealed import DamagedFileError, read_header

NETWORK_FORMAT = "ferkit network 2"


def model_header(path: str | Path) -> dict[str, str]:
    """The header of a model's file as texts, empty where it has none."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"no trained model {path}")
    try:
        return read_header(Path(path))
    except DamagedFileError as error:
        raise DamagedFileError(f"{error}; train it again") from error
