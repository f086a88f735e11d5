# SPDX-License-Identifier: ISC
"""The typed tables agree with the ledger. Events of thousands of seeds are
delivered in random order, with duplicates, in random batches and by three
connections at once. They give the rows that a person would work out, the rows of
the same events delivered in order, and those of a rebuild."""
import os
import random
import re
import threading

import pytest

import projection_model
from event_generator import random_events

pytestmark = pytest.mark.plain

SEEDS = int(os.environ.get("HL_TRUTH_SEEDS", "2000"))
FIRST = int(os.environ.get("HL_TRUTH_FIRST", "1"))
LINES = 4
# The same events again, in workspaces of their own.
IN_ORDER = 10**9
# A workspace's second endpoint, as for a second subscription to the same events.
SECOND = 10**8

PREPARE = """
create table public.delivery (line integer, batch integer, endpoint_id bigint, workspace_id bigint, event_id bigint,
                              created_us bigint, creator_id bigint, entity_id bigint, model text, action text, body text, payload text);
create procedure public.deliver(of_line integer, batches_a_commit integer) language plpgsql as $$
declare
  told record;
begin
  for told in
    select d.batch, array_agg(d.endpoint_id order by d.event_id, d.created_us) as endpoints,
           array_agg(d.workspace_id order by d.event_id, d.created_us) as workspaces,
           array_agg(d.event_id order by d.event_id, d.created_us) as events,
           array_agg('epoch'::timestamptz + d.created_us * interval '1 microsecond' order by d.event_id, d.created_us) as created,
           array_agg(d.creator_id order by d.event_id, d.created_us) as creators,
           array_agg(d.entity_id order by d.event_id, d.created_us) as entities,
           array_agg(d.model order by d.event_id, d.created_us) as models,
           array_agg(d.action order by d.event_id, d.created_us) as actions,
           array_agg(d.body::json order by d.event_id, d.created_us) as bodies,
           array_agg(d.payload order by d.event_id, d.created_us) as payloads
    from public.delivery d where d.line = of_line group by d.batch order by d.batch
  loop
    -- A callback alone comes as the receiver sends it, and sometimes as a batch of one.
    if cardinality(told.events) = 1 and told.events[1] % 4 > 0 then
      perform receiver.append_one(told.endpoints[1], told.endpoints[1], told.workspaces[1], told.events[1], told.created[1],
                                  now(), told.creators[1], told.entities[1], told.models[1], told.actions[1], '\\x00',
                                  told.bodies[1], 'webhook', told.payloads[1], ledger.is_costly(told.bodies[1]));
    else
      perform receiver.append(told.endpoints, told.endpoints, told.workspaces, told.events, told.created,
                            array_fill(now(), array[cardinality(told.events)]), told.creators, told.entities, told.models,
                            told.actions, array_fill('\\x00'::bytea, array[cardinality(told.events)]), told.bodies, 'webhook', told.payloads);
    end if;
    if told.batch % batches_a_commit = 0 then
      commit;
    end if;
  end loop;
end
$$;
"""


def homes(seed):
    return [2 * seed, 2 * seed + 1]


def prepare(db, workspaces):
    """Two endpoints for each workspace, each with a secret of the same number."""
    db.execute(PREPARE)
    db.execute("""insert into ledger.endpoint (endpoint_id, address, name, workspace_id) overriding system value
                  select w + more, lpad((w + more)::text, 22, '0'), 'of ' || w, w
                  from unnest(%s::bigint[]) w, unnest(array[0, %s]) more""", (workspaces, SECOND))
    db.execute("""insert into ledger.endpoint_secret (secret_id, endpoint_id, sealed) overriding system value
                  select e.endpoint_id, e.endpoint_id, '' from ledger.endpoint e""")
    db.execute("analyze ledger.endpoint, ledger.endpoint_secret")


def plain_payload(body):
    """The payload, where the receiver gives it on beside the body."""
    payload = body[body.index('"payload":') + len('"payload":'):-1]
    return payload if re.fullmatch(r"\{(?:(?!\\u|[0-9][eE])[^{])*", payload) else None


def stage(db, deliveries):
    """[(line, batch, event)]"""
    with db.cursor() as cursor, cursor.copy("copy public.delivery from stdin") as copy:
        for line, batch, event in deliveries:
            copy.write_row((line, batch, event.workspace + (batch % 2 and line < LINES and event.event_id % 2) * SECOND, None if event.event_id % 3 else event.workspace, event.event_id,
                            event.created_us, event.creator, event.entity, event.model, event.action, event.body,
                            plain_payload(event.body) if line < LINES else None))
    db.execute("create index on public.delivery (line, batch, event_id, created_us)")
    db.execute("analyze public.delivery")


def shuffled(seeds, events_of, again=0.3):
    """Every event at least once, in random order and batches. Neighbouring seeds
    share batches, and the lines come by the same events at the same time."""
    rng = random.Random(seeds[0])
    batch = 0
    for start in range(0, len(seeds), 20):
        pile = [event for seed in seeds[start:start + 20] for event in events_of[seed]]
        pile += [event for event in pile if rng.random() < again]
        rng.shuffle(pile)
        while pile:
            batch += 1
            line = rng.randrange(LINES)
            for _ in range(min(len(pile), rng.choice([1, 2, 5, 16, 40]))):
                yield line, batch, pile.pop()


def in_order(events_of):
    """The events of each seed in their order, one in a batch: alone for some seeds, else
    together with events of the next twenty seeds, which have other workspaces."""
    for seed, events in events_of.items():
        group = seed // 20
        for number, event in enumerate(sorted(events, key=lambda event: (event.created_us, event.event_id))):
            batch = (group * 1000 + number) * 20 + (seed % 20 if group % 5 == 0 else 0)
            yield LINES + group % 2, batch, event._replace(workspace=event.workspace + IN_ORDER)


def run_lines(site, lines, batches_a_commit):
    errors = []

    def run(line):
        try:
            with site.cluster.connect(site.database) as db:
                db.execute(f"call public.deliver({line}, {batches_a_commit})")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def differences(wanted, there):
    for place in wanted.keys() | there.keys():
        want, have = wanted.get(place), there.get(place)
        if want != have:
            yield place, {column: (want and want.get(column), have and have.get(column))
                          for column in (want or have) if not (want and have) or want.get(column) != have.get(column)}


def explain(events_of, wanted, there):
    """The seed with the fewest events that gave another row: the seed, the row, its events."""
    found = []
    for (table, key), columns in differences(wanted, there):
        seed = key[0] % IN_ORDER // 2
        events = [event for event in events_of[seed]
                  if projection_model.key_of(event) == (table, (key[0] % IN_ORDER, *key[1:]))]
        found.append((len(events), seed, table, key, columns, events))
    if not found:
        return ""
    _, seed, table, key, columns, events = min(found, key=lambda each: each[:3])
    lines = [f"{len(found)} rows differ. The one of the fewest events: seed {seed}, toggl.{table} {key}"]
    lines += [f"  {column}: wanted {want}, there is {have}" for column, (want, have) in columns.items()]
    lines += [f"  {event.created_us} {event.event_id} {event.action} {event.body}"
              for event in sorted(events, key=lambda event: (event.created_us, event.event_id))]
    return "\n".join(lines)


def columns_of(db, table):
    return ", ".join(name for name, in db.execute("""select column_name from information_schema.columns
        where table_schema = 'toggl' and table_name = %s and column_name <> 'workspace_id' order by 1""", (table,)))


def differ(db, table, one, other):
    """How many rows are in the one query and not in the other, or the other way round."""
    return [(table, count) for count, in db.execute(
        f"select count(*) from (({one} except all {other}) union all ({other} except all {one})) d") if count]


def differ_in_order(db):
    """Tables in which the workspaces with events in order have other rows."""
    found = []
    for table in projection_model.COLUMNS:
        rest = columns_of(db, table)
        found += differ(db, table, f"select workspace_id, {rest} from toggl.{table} where workspace_id < {IN_ORDER}",
                        f"select workspace_id - {IN_ORDER}, {rest} from toggl.{table} where workspace_id >= {IN_ORDER}")
    return found


def differ_after_rebuild(site, db):
    """Tables that have other rows after they were emptied and rebuilt."""
    db.execute("create schema before")
    for table in projection_model.COLUMNS:
        db.execute(f"create table before.{table} as table toggl.{table}")
        db.execute(f"truncate toggl.{table}")
    site.hookledger("rebuild")
    return [each for table in projection_model.COLUMNS for each in differ(db, table, f"table toggl.{table}", f"table before.{table}")]


@pytest.mark.timeout(600)
def test_random_events(bare_site):
    seeds = range(FIRST, FIRST + SEEDS)
    events_of = {seed: random_events(seed, homes(seed)) for seed in seeds}
    wanted, drift = projection_model.rows_after([event for seed in seeds for event in events_of[seed]])
    workspaces = [home for seed in seeds for home in homes(seed)]
    assert len(wanted) > SEEDS

    with bare_site.cluster.connect(bare_site.database) as db:
        prepare(db, workspaces + [home + IN_ORDER for home in workspaces])
        stage(db, [*shuffled(seeds, events_of), *in_order(events_of)])
        run_lines(bare_site, range(LINES), 1)
        problem = explain(events_of, wanted, projection_model.rows_there(db))
        assert not problem, problem
        assert projection_model.drift_there(db) == drift

        run_lines(bare_site, range(LINES, LINES + 2), 200)
        assert db.execute("select count(*) % 2 from ledger.event").fetchone() == (0,)
        assert not differ_in_order(db)
        counted = projection_model.drift_there(db)
        assert not differ_after_rebuild(bare_site, db)
        assert projection_model.drift_there(db) == counted, "a rebuild counts nothing"


def test_the_same_few_entities(bare_site):
    """Four connections that deliver the same events of the same entities at the
    same time, each twice: no connections deadlock, and nothing is lost."""
    events_of = {seed: random_events(seed, homes(seed), 1200, [(home, "time_entry", entity) for home in homes(seed) for entity in range(1, 5)])
                 for seed in (1, 20, 45)}
    with bare_site.cluster.connect(bare_site.database) as db:
        prepare(db, [home for seed in events_of for home in homes(seed)])
        stage(db, shuffled(list(events_of), events_of, 1))
        run_lines(bare_site, range(LINES), 1)
        assert not projection_model.not_projected(db)
        wanted, drift = projection_model.rows_after([event for events in events_of.values() for event in events])
        assert projection_model.rows_there(db) == wanted
        assert projection_model.drift_there(db) == drift
