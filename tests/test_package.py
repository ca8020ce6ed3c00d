"""The package as a whole: its version, and the names that it has not."""

from __future__ import annotations

from importlib.metadata import version

import pytest

import clientcert


def test_the_version_is_that_of_the_distribution():
    assert clientcert.__version__ == version("clientcert")


def test_a_name_that_is_not_there_is_an_error_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'clientcert' has no attribute 'nothing'"):
        _ = clientcert.nothing
