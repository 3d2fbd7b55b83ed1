"""Fixtures that all tests share: the standard machine, as a file, as arrays and opened."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden texts anew")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Tests, and the commands they start, keep the standard machine in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYVM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def model_file():
    """The standard machine as arrays."""
    from pyvm.weights import machine_model

    return machine_model()


@pytest.fixture(scope="session")
def model_bytes(model_file) -> bytes:
    return model_file.to_bytes()


@pytest.fixture(scope="session")
def model_path(model_bytes, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "standard.bin"
    path.write_bytes(model_bytes)
    return path


@pytest.fixture(scope="session")
def model(model_bytes):
    """The standard machine, opened by libtvm."""
    from pyvm.engine.model import Model

    with Model(model_bytes) as opened:
        yield opened
