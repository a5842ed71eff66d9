"""The libraries of the extra `sandbox`, and the sentence for one that is missing."""

LIBRARIES = ("click", "starlette", "uvicorn", "httptools", "sqlalchemy", "aiohttp")


def missing_library(error: ImportError) -> str | None:
    """The sentence for a library that the sandbox needs; None where something else is wrong."""
    library = (error.name or "").partition(".")[0]
    return f"{library} is missing; run: pip install 'molam-python-sdk[sandbox]'" if library in LIBRARIES else None
