"""What a merchant gets from the wheel alone: run in an environment that holds nothing else."""

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
import zipfile
from pathlib import Path

EXTRAS = "aiohttp starlette uvicorn sqlalchemy click django flask fastapi redis opentelemetry".split()
# The import paths that existing merchants use; every one of them works without an extra.
PATHS = "client sync_client async_client models exceptions cb metrics logging_setup webhooks".split()


def strangers(wheel: Path) -> list[str]:
    """Files of the wheel that are neither the package nor its metadata."""
    names = zipfile.ZipFile(wheel).namelist()
    return [name for name in names if not name.startswith(("molam_sdk/", "molam_python_sdk-"))]


def unimportable(modules: list[str]) -> list[str]:
    """The modules that do not import without an extra; the async client may name the extra it needs."""
    found = []
    for module in modules:
        try:
            importlib.import_module(f"molam_sdk.{module}")
        except ImportError as error:
            if module != "async_client" or "molam-python-sdk[async]" not in str(error):
                found.append(f"molam_sdk.{module}: {error}")
    return found


def complaints(wheel: Path) -> list[str]:
    """Everything that is wrong with the installed wheel, in words."""
    found = [f"the wheel holds {name}" for name in strangers(wheel)]
    found += [f"{name} is here, so this proves nothing" for name in EXTRAS if importlib.util.find_spec(name)]
    package = importlib.import_module("molam_sdk")
    if "site-packages" not in str(package.__file__):
        found.append(f"molam_sdk came from {package.__file__}, not from the wheel")
    if package.__version__ != importlib.metadata.version("molam-python-sdk"):
        found.append(f"__version__ says {package.__version__}")
    if not Path(str(package.__file__)).with_name("py.typed").exists():
        found.append("py.typed is missing, so type checkers ignore the package")
    shipped = {module.name for module in pkgutil.iter_modules(package.__path__)}
    return found + unimportable(sorted(shipped.intersection(PATHS)))


if __name__ == "__main__":
    wrong = complaints(Path(sys.argv[1]))
    sys.stdout.write("\n".join(wrong or ["wheel: holds the package only, imports without extras"]) + "\n")
    sys.exit(1 if wrong else 0)
