"""What the gateway says of itself in OpenAPI, and that it keeps to it whatever is sent."""

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from asking import TOKEN
from hypothesis import HealthCheck, Phase, given, settings
from starlette.routing import Route

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.problems import PROBLEMS
from privacy_sdk.errors import PrivacyWarning
from privacy_sdk.gateway import create_app
from privacy_sdk.gateway import schemas as documents
from privacy_sdk.gateway.guard import OPEN_PATHS
from privacy_sdk.gateway.routes import ACCOUNT_PROBLEMS
from privacy_sdk.gateway.schemas import Document, ProblemBody
from privacy_sdk.testing import running_gateway


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return create_app({}, token=TOKEN).openapi()


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_a_request_meets_its_route_with_no_router_in_between() -> None:
    assert all(isinstance(route, Route) for route in create_app({}, token=None).routes)


def test_every_error_of_the_wire_is_declared_with_its_members() -> None:
    members = {*ProblemBody.model_fields, "backoff"}  # which travels as retry_after
    for error, (_, status) in PROBLEMS.items():
        assert status in ACCOUNT_PROBLEMS, error
        assert members.issuperset(error.fields), error


def test_every_operation_is_described_and_its_errors_are_problem_documents(
    openapi: dict[str, Any],
) -> None:
    for name, operation in operations(openapi):
        assert operation["description"], name
        errors = {key: it for key, it in operation["responses"].items() if key >= "400"}
        assert {"401", "413", "421", "500", "503"} <= errors.keys(), name
        for response in errors.values():
            assert list(response["content"]) == ["application/problem+json"], name


def test_every_operation_shows_an_example_of_what_it_takes_and_gives(
    openapi: dict[str, Any],
) -> None:
    def has_example(content: dict[str, Any]) -> bool:
        ((kind, body),) = content.items()
        is_stream = kind == "text/event-stream"
        schema = (
            body["itemSchema"]["properties"]["data"]["contentSchema"]
            if is_stream
            else body["schema"]
        )
        names = [one["$ref"].rpartition("/")[2] for one in schema.get("oneOf", [schema])]
        return all("examples" in openapi["components"]["schemas"][name] for name in names)

    for name, operation in operations(openapi):
        if "requestBody" in operation:
            assert has_example(operation["requestBody"]["content"]), name
        if "200" in operation["responses"]:
            assert has_example(operation["responses"]["200"]["content"]), name
        assert all(it["schema"]["examples"] for it in operation.get("parameters", ())), name


def test_the_examples_are_what_the_models_take() -> None:
    models = [
        model
        for model in vars(documents).values()
        if isinstance(model, type) and issubclass(model, Document)
    ]
    examples = [
        (model, example)
        for model in models
        for example in model.model_json_schema().get("examples", ())
    ]
    assert len(examples) > 10
    for model, example in examples:
        model.model_validate(example)


def test_no_object_has_members_that_its_schema_does_not_name(openapi: dict[str, Any]) -> None:
    for name, schema in openapi["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name


def test_everything_but_the_health_pages_asks_for_the_token(openapi: dict[str, Any]) -> None:
    open_to_all = {name for name, it in operations(openapi) if it.get("security") == []}
    assert open_to_all == {"GET /healthz", "GET /readyz"}
    assert openapi["security"] == [{"token": []}]


@pytest.mark.parametrize(
    "cases", [200, pytest.param(5_000, marks=pytest.mark.slow)], ids="{} cases".format
)
def test_no_request_good_or_bad_gets_an_undeclared_answer(cases: int) -> None:
    counted = explore(cases, token=TOKEN)
    assert counted.total() >= cases
    assert {200, 204, 401, 404, 422} <= counted.keys()
    assert 500 not in counted


def test_without_the_token_every_request_gets_401() -> None:
    assert explore(50, token="wrong", open_path=False).keys() == {401}


def explore(cases: int, *, token: str, open_path: bool = True) -> Counter[int]:
    """Send generated requests to a real gateway; how many answers had which status.

    An answer must have a declared status, its media type and its schema. Left out are two of
    schemathesis's checks: 501 to 504 are declared answers here, and not every rule, such as
    which value goes with which category, can be told in a schema.
    """
    import requests
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    counted: Counter[int] = Counter()
    with (
        warnings.catch_warnings(),
        running_gateway({"demo": EmulatedAccount()}, token=TOKEN) as url,
        requests.Session() as session,
    ):
        warnings.simplefilter("ignore", PrivacyWarning)  # rows left out, as was asked for
        session.headers["Authorization"] = f"Bearer {token}"
        document = session.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
        schema = schemathesis.openapi.from_dict(document.json())
        schema.config.update(base_url=url)
        found = [result.ok() for result in schema.get_all_operations()]
        asked = [it for it in found if open_path or it.path not in OPEN_PATHS]
        asked = [it for it in asked if not it.path.endswith("/events")]  # which never ends
        each = -(-cases // (2 * len(asked) - 4))
        for operation in asked:
            for mode in GenerationMode:
                if operation.path in OPEN_PATHS and mode is GenerationMode.NEGATIVE:
                    continue  # it takes nothing that could be wrong
                known = "{account_id}" in operation.path and (
                    mode is GenerationMode.POSITIVE or operation.body
                )

                @given(
                    case=operation.as_strategy(
                        mode, path_parameters={"account_id": "demo"} if known else None
                    )
                )
                @settings(
                    max_examples=each,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                def ask(case: schemathesis.Case) -> None:
                    seconds = case.body.get("seconds") if isinstance(case.body, dict) else None
                    if type(seconds) in (int, float) and 0 < seconds <= 3_600:
                        case.body["seconds"] = 0  # a late answer, but not now
                    answer = case.call(session=session)
                    counted[answer.status_code] += 1
                    case.validate_response(
                        answer, excluded_checks=[not_a_server_error, positive_data_acceptance]
                    )

                ask()
    return counted
