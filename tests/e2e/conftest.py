# SPDX-License-Identifier: ISC
from fixtures import *  # pylint: disable=wildcard-import,unused-wildcard-import
