"""Writes objects into a stopped Samba AD's own database, as the system.

usage: load-offline.py SMB_CONF SAM_LDB < [{"add": DN, "attributes": {NAME: [BASE64, ...]}},
                                          {"append": DN, "attributes": {...}},
                                          {"rereadSchema": true}, ...]

In the order given, without the index of each object being a transaction of its own (batch_mode):
that makes it four times as fast as LDAP. The first refusal ends it, with nothing written.
"""

import base64
import json
import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

import ldb

smb_conf, sam_ldb = sys.argv[1:3]
lp = LoadParm()
lp.load(smb_conf)


def opened(steps_to_come):
    # The schema can't be written in batch mode.
    plain = any("rereadSchema" in step for step in steps_to_come)
    options = [] if plain else ["batch_mode:1"]
    return SamDB(url=sam_ldb, session_info=system_session(), lp=lp, options=options)


steps = json.load(sys.stdin)
sam = opened(steps)


def message(dn, attributes):
    result = ldb.Message(ldb.Dn(sam, dn))
    for name, values in attributes.items():
        decoded = [base64.b64decode(value) for value in values]
        result[name] = ldb.MessageElement(decoded, ldb.FLAG_MOD_ADD, name)
    return result


sam.transaction_start()
for at, step in enumerate(steps):
    try:
        if "add" in step:
            sam.add(message(step["add"], step["attributes"]))
        elif "append" in step:
            sam.modify(message(step["append"], step["attributes"]))
        else:
            sam.transaction_commit()
            sam = opened(steps[at + 1 :])
            sam.transaction_start()
    except ldb.LdbError as error:
        sys.exit("The directory refused %s: %s" % (step.get("add") or step.get("append") or "its schema", error.args[1]))
sam.transaction_commit()
