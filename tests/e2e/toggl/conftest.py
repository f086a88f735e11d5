# SPDX-License-Identifier: ISC
"""A site of ours, and another hookledger that plays Toggl for it."""
import pytest

import web_servers
from fixtures import finish, make_site
from toggl_server import Toggl


@pytest.fixture
def us(bare_site):
    """A site without an endpoint whose receiver is served."""
    web_servers.lighttpd_spawned(bare_site)
    return bare_site


@pytest.fixture
def toggl(request, us, shared_cluster, template, run_folder):
    """Another site, which plays Toggl for it."""
    other = make_site(request, shared_cluster, run_folder / "toggls", template)
    try:
        yield Toggl(other, us)
    finally:
        finish(request, other)
