# SPDX-License-Identifier: ISC
"""The table that the competitors write into, and the check that it has the indexes of hookledger's."""
import re

from environment import BenchError

DATABASE = "bench"
# The indexes that are written: those of the partitions.
OURS = """select pg_get_indexdef(i.indexrelid) from pg_index i
where i.indrelid in (select relid from pg_partition_tree('ledger.event') where isleaf)"""
THEIRS = "select pg_get_indexdef(indexrelid) from pg_index where indrelid = 'public.event'::regclass"


def indexes(env, query):
    """What the indexes are, without their names and the names of their tables."""
    return {re.sub(r" INDEX \S+ ON (ONLY )?\S+ ", " INDEX ON event ", line)
            for line in env.sql(DATABASE, query).splitlines()}


def make_table(env):
    """Makes the competitors' table. Refuses to compare when its indexes are not those of ledger.event."""
    env.hookledger(DATABASE)
    env.sql_file(DATABASE, env.work / "schema.sql")
    ours, theirs = indexes(env, OURS), indexes(env, THEIRS)
    if ours != theirs:
        raise BenchError("the competitors' table has not the indexes of ledger.event, so nothing is compared."
                         + "".join(f"\n  only ours:   {index}" for index in sorted(ours - theirs))
                         + "".join(f"\n  only theirs: {index}" for index in sorted(theirs - ours))
                         + "\n  Correct tests/bench/schema.sql.")
