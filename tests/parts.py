"""What `make test` leaves to `make all`: tests marked with a part run only with ``--part NAME``.

``@pytest.mark.part("exercises")`` on a test, or on one value of a parametrized one, keeps it out of
`make test`. ``pytest --part exercises`` runs those of that part and no others.

``@pytest.mark.gpu`` is for what only a real GPU shows: ``pytest --part gpu`` (or ``-m gpu``) runs it, as
`make gpu` does, and nothing else.
"""

import pytest

PARTS = {
    "chips": "every notebook on a pretend T4, A100 and Mac; the package on every pretend chip",
    "colab": "every notebook with Colab's versions",
    "exercises": "each check with every seed and number format; every notebook with all answers",
    "package": "the package's slow proofs: compiled code, long runs, a hundred kills",
    "pages": "every page and picture in every look, width and hand",
}
ELSEWHERE = {"gpu": "what only a real GPU shows, in make gpu"}


def pytest_addoption(parser):
    known = PARTS | ELSEWHERE
    told = "; ".join(f"{name}: {what}" for name, what in known.items())
    parser.addoption("--part", choices=known, help=f"run a part of `make all` ({told})")


def pytest_configure(config):
    config.addinivalue_line("markers", "part(name): runs in `make all` only, in the part named")
    config.addinivalue_line("markers", "gpu: needs a real GPU, runs in `make gpu` only")


def pytest_collection_modifyitems(config, items):
    """Keep the tests of the part that is asked for; without one, those of no part."""
    wanted, kept, left = config.getoption("--part"), [], []
    if config.getoption("markexpr") == "gpu":
        wanted = "gpu"
    for item in items:
        parts = {mark.args[0] for mark in item.iter_markers("part")}
        parts |= {"gpu"} if item.get_closest_marker("gpu") else set()
        if unknown := parts - PARTS.keys() - ELSEWHERE.keys():
            raise pytest.UsageError(f"{item.nodeid}: part {unknown} is none of {', '.join(PARTS)}")
        (kept if (wanted in parts if wanted else not parts) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
