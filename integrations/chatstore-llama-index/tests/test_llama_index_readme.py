"""The README's agent runs three turns in one process, and another process continues."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import redis

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
GUIDE, SAVING, ENGINE, MOVING = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# Ours would fetch a vocabulary: tokens are estimated without it, with a warning. LlamaIndex brings
# its own, and looks at an attribute that pydantic deprecates.
QUIET = ["-W", "error", "-W", "ignore::UserWarning", "-W", "ignore::DeprecationWarning"]
OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9"}


def run(program, *arguments, **options):
    command = [sys.executable, *QUIET, "-c", program, *arguments]
    options["env"] = {**os.environ, **OFFLINE}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_model_sees_the_whole_conversation(each_store_url):
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run(GUIDE, each_store_url, *cities[:3]) + run(GUIDE, each_store_url, cities[3])

    before = []
    for city, line in zip(cities, lines, strict=True):
        answer, question, results = json.loads(line)
        asked, told = ["user", city], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert question == [*before, asked]
        assert results == [*before, asked, ["assistant", None], told]
        before += [asked, ["assistant", None], told, ["assistant", answer]]


def test_engine(tmp_path):
    for _ in range(2):
        assert run(ENGINE, cwd=tmp_path)


def test_saving(tmp_path):
    assert run(SAVING + "\nprint(restored.to_dict() == memory.to_dict())", cwd=tmp_path) == ["True"]


def test_moving_in(tmp_path, redis_server):
    url = f"redis://127.0.0.1:{redis_server.port}/7"
    with redis.Redis.from_url(url) as client:
        client.rpush("user:42", '{"role": "user", "content": "Hello!"}')
    [line] = run(MOVING.replace("redis://localhost", url), cwd=tmp_path)

    assert "key='user:42', messages=1, copied=1" in line
