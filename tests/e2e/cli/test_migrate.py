# SPDX-License-Identifier: ISC
"""Which databases migrate brings up to date, and which it refuses."""
import pytest

from installation import SQL

# What is tried here is SQL; the sanitizers have nothing to see in it.
pytestmark = pytest.mark.plain


def schema(site):
    return site.sql("select version, name, checksum from ledger.migration order by version")


def test_a_new_version_adds_its_migrations(site):
    before = schema(site)
    added = site.add_migration("rebuild")
    assert f"would apply {added.name}" in site.hookledger("migrate", "--dry-run").stdout
    assert schema(site) == before
    assert "steps to apply: 1" in site.hookledger("doctor", check=False).stdout
    said = site.hookledger("migrate").stdout
    assert f"applied {added.name}" in said and "made the functions anew" in said
    assert schema(site)[:-1] == before and schema(site)[-1][:2] == (int(added.name[:4]), added.name)
    assert "the schema is current" in site.hookledger("migrate").stdout


def test_an_older_version_is_refused(site):
    site.add_migration("rebuild")
    site.hookledger("migrate")
    before = schema(site)
    site.write_conf(sql_dir=SQL)
    done = site.hookledger("migrate", check=False)
    assert done.returncode != 0 and "a newer hookledger made it; install that one" in done.stderr
    assert "is newer than this program" in site.hookledger("doctor", check=False).stdout
    assert schema(site) == before


def test_a_database_of_an_unreleased_version_is_refused(site):
    """Such a one has other files under our numbers, and maybe more of them."""
    site.sql("update ledger.migration set name = '0002_tables.sql', checksum = repeat('0', 64) where version = 2")
    site.sql("insert into ledger.migration (version, name, checksum, program_version) values (99, '0099_x.sql', repeat('1', 64), '0.1.0')")
    before = schema(site)
    done = site.hookledger("migrate", check=False)
    assert done.returncode != 0
    assert "0002_toggl.sql is not the file that was applied" in done.stderr and "never released" in done.stderr
    assert "never released" in site.hookledger("doctor", check=False).stdout
    assert schema(site) == before
