"""Folders for media: on a disk, in S3 (moto) and in Azure Blob Storage (Azurite)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from moto.server import ThreadedMotoServer

from chatstore.media import MediaFolder

sys.path.append(str(Path(__file__).parent))  # pytest's import mode "importlib" does not add it
sys.path.append(str(Path(__file__).parents[2] / "chatstore-azure" / "tests"))  # starts Azurite

from azurite_server import ACCOUNT, KEY, Azurite

MakeFolder = Callable[..., MediaFolder]


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def blob_connection() -> Iterator[str]:
    server = Azurite("blob", "--skipApiVersionCheck")
    endpoint = f"http://127.0.0.1:{server.port}/{ACCOUNT}"
    yield (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint={endpoint};"
    )
    server.close()


@pytest.fixture
def s3_folder(s3_url: str) -> MakeFolder:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "hunter2"}
    bucket = f"media-{uuid4()}"
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=s3_url, **keys)
    client.create_bucket(Bucket=bucket)
    client.close()

    def make(bucket: str = bucket, **options: Any) -> MediaFolder:
        storage: dict[str, Any] = {"key": "testing", "secret": "hunter2", "endpoint_url": s3_url}
        return MediaFolder(f"s3://{bucket}/chat", storage_options=storage, **options)

    return make


@pytest.fixture
def azure_folder(blob_connection: str) -> MakeFolder:
    container = f"media-{uuid4()}"
    with BlobServiceClient.from_connection_string(blob_connection) as client:
        client.create_container(container)

    def make(container: str = container, **options: Any) -> MediaFolder:
        storage = {"connection_string": blob_connection}
        return MediaFolder(f"abfs://{container}/chat", storage_options=storage, **options)

    return make


@pytest.fixture
def disk_folder(tmp_path: Path) -> MakeFolder:
    return lambda name="media", **options: MediaFolder(str(tmp_path / name), **options)


@pytest.fixture(params=["disk", "s3", "azure"])
def make_folder(request: pytest.FixtureRequest) -> MakeFolder:
    make: MakeFolder = request.getfixturevalue(f"{request.param}_folder")
    return make
