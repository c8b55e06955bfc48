"""``shard``: sessions are dealt by the hash of their ids, and an array job's environment names the shard."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.shard import MOST, ShardId, index_of, named, of_environment, read_shard

IDS = st.text("abcdefABCDEF0123456789-_", min_size=1, max_size=40)
COUNTS = st.integers(1, 64)


@given(IDS, COUNTS)
def test_every_session_belongs_to_exactly_one_shard(session_id: str, count: int) -> None:
    owners = [shard.index for shard in ShardId(0, count).siblings() if shard.owns(session_id)]
    assert owners == [index_of(session_id, count)]


@given(IDS, COUNTS)
def test_ids_that_differ_in_case_alone_belong_to_the_same_shard(session_id: str, count: int) -> None:
    assert index_of(session_id.upper(), count) == index_of(session_id.lower(), count)


def test_the_deal_is_the_documented_one_and_stays_so() -> None:
    """Another deal would make an archive's shards of yesterday worthless."""
    first_bytes = hashlib.sha256(b"1f46e825").digest()[:8]
    assert index_of("1F46E825", 1000) == int.from_bytes(first_bytes, "big") % 1000
    assert [index_of(f"session-{number}", 8) for number in range(8)] == [5, 0, 5, 3, 1, 2, 3, 0]


@given(st.integers(1, MOST).flatmap(lambda count: st.builds(ShardId, st.integers(0, count - 1), st.just(count))))
def test_a_name_and_a_written_shard_are_read_back(shard: ShardId) -> None:
    assert named(shard.name) == read_shard(str(shard)) == pickle.loads(pickle.dumps(shard)) == shard  # noqa: S301 - ours


@pytest.mark.parametrize("name", ["08-of-08", "3-of-8", "003-of-08", "03-of-08.ndjson", "tmp", "damaged-1"])
def test_other_names_are_no_shards(name: str) -> None:
    assert named(name) is None


def test_names_sort_as_the_indexes_do() -> None:
    names = [shard.name for shard in ShardId(0, 101).siblings()]
    assert names == sorted(names)
    assert (names[3], ShardId(3, 8).name) == ("003-of-101", "03-of-08")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("8/8", "the last of 8 is 7/8"),
        ("0/0", "from 1 to 1000 shards, not 0"),
        ("0/1001", "from 1 to 1000 shards"),
        ("-1/8", "-1/8 is no shard: they count from 0"),
        ("8/-1", "from 1 to 1000 shards, not -1"),
        ("3", "neither I/N"),
        ("3/8/2", "neither I/N"),
        ("a/b", "neither I/N"),
    ],
)
def test_a_shard_out_of_range_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_shard(text)


@pytest.mark.parametrize(
    ("environ", "shard"),
    [
        ({"JOB_COMPLETION_INDEX": "7", "REPLAY_FETCH_SHARDS": "8"}, ShardId(7, 8)),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "4"}, ShardId(0, 4)),
        ({"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "3"}, ShardId(2, 3)),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "4"}, ShardId(0, 4)),
        ({"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"}, ShardId(3, 4)),
        (
            {
                "SLURM_ARRAY_TASK_ID": "14",
                "SLURM_ARRAY_TASK_COUNT": "3",
                "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_STEP": "2",
            },
            ShardId(2, 3),
        ),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "1", "REPLAY_FETCH_SHARDS": "2"}, ShardId(1, 2)),
    ],
)
def test_shard_auto_reads_the_variables_of_each_array_job_system(environ: dict[str, str], shard: ShardId) -> None:
    assert of_environment(environ) == shard


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, "no array job"),
        ({"JOB_COMPLETION_INDEX": "1", "SLURM_ARRAY_TASK_ID": "1"}, "several array jobs"),
        ({"JOB_COMPLETION_INDEX": "1"}, "set REPLAY_FETCH_SHARDS"),
        ({"JOB_COMPLETION_INDEX": "x", "REPLAY_FETCH_SHARDS": "8"}, "JOB_COMPLETION_INDEX is 'x'"),
        ({"JOB_COMPLETION_INDEX": "8", "REPLAY_FETCH_SHARDS": "8"}, "the last of 8 is 7/8"),
        ({"CLOUD_RUN_TASK_INDEX": "0", "CLOUD_RUN_TASK_COUNT": "-2"}, "CLOUD_RUN_TASK_COUNT is '-2'"),
    ],
)
def test_shard_auto_names_the_fault_of_an_environment_without_a_usable_array_job(
    environ: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        of_environment(environ)
