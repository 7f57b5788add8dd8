"""Queries across partitions that are sorted or limited: the SDK merges their results."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from cosmos_calls import item, status
from cosmos_double import CosmosDouble
from cosmos_index import EVERYTHING, is_indexed

ORDERED = "SELECT TOP @top c.id, c.t FROM c WHERE c.t > 'a' AND c.t < @end ORDER BY c.t DESC"


def parameters(top: int = 5, end: str = "z") -> list[dict[str, Any]]:
    return [{"name": "@top", "value": top}, {"name": "@end", "value": end}]


def ordered(container: ContainerProxy, **values: Any) -> list[str]:
    pages: Any = container.query_items(
        ORDERED, parameters=parameters(**values), enable_cross_partition_query=True
    )
    return [item["t"] for item in pages]


def kinds(double: CosmosDouble) -> list[str]:
    kinds = [one.kind for one in double.requests if one.kind in {"query", "plan"}]
    double.requests.clear()
    return kinds


def container_of(client: CosmosClient, **options: Any) -> ContainerProxy:
    database = client.create_database_if_not_exists("d")
    key = PartitionKey("/conversation", version=2)
    container: ContainerProxy = database.create_container("c", key, **options)
    return container


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_client_merges_the_sorted_results_of_all_ranges(
    double: CosmosDouble, client: CosmosClient, partitions: int
) -> None:
    double.service.partitions = partitions
    container = container_of(client)
    for number in range(60):
        container.create_item(item("1", f"key{number}", t=f"b{number:02}"))
    container.create_item(item("1", "other"))
    kinds(double)
    assert ordered(container) == ["b59", "b58", "b57", "b56", "b55"]
    assert kinds(double) == ["query", "plan", *["query"] * partitions]
    assert ordered(container, end="b03") == ["b02", "b01", "b00"]
    assert ordered(container, top=100) == [f"b{number:02}" for number in reversed(range(60))]


def test_each_range_has_its_partitions(double: CosmosDouble, client: CosmosClient) -> None:
    double.service.partitions = 3
    container = container_of(client)
    for number in range(30):
        container.create_item(item("1", f"key{number}"))
        assert container.read_item("1", f"key{number}")["id"] == "1"
    documents = double.service.databases["d"]["c"].documents
    sizes = [len(list(documents.scan(None, None, one.id))) for one in documents.ranges]
    assert sum(sizes) == 30
    assert all(sizes)


def test_the_async_client_merges_too(double: CosmosDouble) -> None:
    async def scenario() -> None:
        double.service.partitions = 2
        async with AsyncCosmosClient(double.endpoint, double.key) as client:
            database = await client.create_database("d")
            container = await database.create_container("c", PartitionKey("/conversation"))
            for number in range(8):
                await container.create_item(item("1", f"key{number}", t=f"b{number}"))
            result: Any = container.query_items(ORDERED, parameters=parameters(3))
            assert [one["t"] async for one in result] == ["b7", "b6", "b5"]

    asyncio.run(scenario())


def test_within_a_partition_the_service_sorts(
    double: CosmosDouble, container: ContainerProxy
) -> None:
    for number in range(4):
        container.create_item(item(str(number), t=f"b{number}"))
    kinds(double)
    result: Any = container.query_items(ORDERED, parameters=parameters(2), partition_key="a")
    assert [one["t"] for one in result] == ["b3", "b2"]
    text = "SELECT c.t FROM c WHERE c.t > 'a' ORDER BY c.t"
    pages: Any = container.query_items(text, partition_key="a", max_item_count=3).by_page()
    assert [[one["t"] for one in page] for page in pages] == [["b0", "b1", "b2"], ["b3"]]
    assert kinds(double) == ["query"] * 3


def test_a_sorted_property_must_be_indexed(client: CosmosClient) -> None:
    policy = {
        "indexingMode": "consistent",
        "includedPaths": [{"path": "/conversation/?"}],
        "excludedPaths": [{"path": "/*"}],
    }
    assert status(ordered, container_of(client, indexing_policy=policy)) == 400


def test_conditions_about_other_properties_than_the_sorted_one_are_not_modelled(
    container: ContainerProxy,
) -> None:
    text = "SELECT c.id FROM c WHERE c.n = 1 ORDER BY c.t"
    assert status(lambda: list(container.query_items(text, partition_key="a"))) == 400


def test_a_query_costs_its_result_if_its_condition_is_indexed(
    double: CosmosDouble, client: CosmosClient
) -> None:
    def units(container: ContainerProxy) -> float:
        double.requests.clear()
        text = "SELECT * FROM c WHERE c.n = 1"
        result: Any = container.query_items(text, enable_cross_partition_query=True)
        assert len(list(result)) == 1
        return sum(one.units for one in double.requests if one.kind == "query")

    policy = {**EVERYTHING, "excludedPaths": [{"path": "/n/?"}]}
    for name, indexing, expected in (("i", None, 2.4), ("n", policy, 2.3 + 0.1 * 50)):
        container = client.create_database_if_not_exists("d").create_container(
            name, PartitionKey("/conversation"), indexing_policy=indexing
        )
        for number in range(50):
            container.create_item(item("1", f"key{number}", n=number))
        assert units(container) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a", True), ("/b", False), ("/b/c", True), ("/b/d", False), ("/id", True), ("/e", False)],
)
def test_the_more_precise_path_counts(path: str, expected: bool) -> None:
    policy = {
        "indexingMode": "consistent",
        "includedPaths": [{"path": "/*"}, {"path": "/b/c/?"}],
        "excludedPaths": [{"path": "/b/?"}, {"path": "/b/*"}, {"path": "/e/?"}],
    }
    assert is_indexed(policy, path) is expected
    assert not is_indexed({**policy, "indexingMode": "none"}, path)
