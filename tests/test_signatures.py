"""What type checkers are told of a strategy is what it takes, and a parameter in brackets changes nothing at run time."""

from __future__ import annotations

import inspect
import pickle
from typing import get_args, get_overloads

import pytest

from clientcert import Accept, ClientCertStrategy, Failure, Outcome, Success, signatures
from fake_request import FakeRequest

OPTIONS = [
    signatures.Options,
    signatures.NamesOptions,
    signatures.RequestOptions,
    signatures.RequestNamesOptions,
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.__name__)
def test_the_options_of_each_signature_are_those_of_the_strategy(options):
    parameters = inspect.signature(ClientCertStrategy).parameters
    assert {*options.__annotations__} == {*parameters} - {"verify"}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.__name__)
def test_an_option_has_one_type_in_the_signatures_and_in_the_strategy(options):
    annotations = inspect.get_annotations(ClientCertStrategy.__init__)
    of_verify = {"pass_request", "accept_forwarded_identity"}
    for name in options.__annotations__.keys() - of_verify:
        assert options.__annotations__[name].__forward_arg__ == annotations[name], name


def test_every_set_of_options_has_a_signature():
    signatures_of_options = [
        inspect.get_annotations(each)["options"] for each in get_overloads(ClientCertStrategy.__init__)
    ]
    assert {*signatures_of_options} == {f"Unpack[{options.__name__}]" for options in OPTIONS}


@pytest.mark.parametrize("kind", [Accept, Success])
def test_an_outcome_can_be_made_with_the_type_of_its_user(kind):
    outcome = kind[str]("alice", None)
    assert outcome == kind("alice", None)
    assert type(outcome) is kind
    assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301 - our own
    assert not hasattr(outcome, "__dict__")


def test_an_outcome_has_the_user_in_its_success_alone():
    assert get_args(Outcome[str]) == (Success[str], Failure)


def test_a_strategy_can_be_made_with_the_type_of_its_user():
    strategy = ClientCertStrategy[str](lambda certificate: certificate.thumbprint)
    assert isinstance(strategy, ClientCertStrategy)
    assert not strategy.authenticate(FakeRequest())
