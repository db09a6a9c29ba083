"""Sets access rights in a Samba AD's own database, as the system.

usage: grant-rights.py SMB_CONF SAM_LDB < [{"dn": "...", "aces": "(A;;...)"}, ...]

Adds the ACEs (SDDL) in front of each object's access list, deleted and system containers included.
LDAP tools can't do the last: CN=Deleted Objects shows itself only to who asks with a control.
"""

import json
import sys

from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

import ldb

DACL_ONLY = "sd_flags:1:%d" % security.SECINFO_DACL

smb_conf, sam_ldb = sys.argv[1:3]
lp = LoadParm()
lp.load(smb_conf)
sam = SamDB(url=sam_ldb, session_info=system_session(), lp=lp)
domain_sid = security.dom_sid(sam.get_domain_sid())

for grant in json.load(sys.stdin):
    found = sam.search(
        base=grant["dn"],
        scope=ldb.SCOPE_BASE,
        attrs=["nTSecurityDescriptor"],
        controls=["show_deleted:1", DACL_ONLY],
    )
    descriptor = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])
    extra = security.descriptor.from_sddl("D:" + grant["aces"], domain_sid)
    for ace in reversed(extra.dacl.aces):
        descriptor.dacl_add(ace, 0)
    message = ldb.Message(found[0].dn)
    message["nTSecurityDescriptor"] = ldb.MessageElement(
        ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor"
    )
    sam.modify(message, ["show_deleted:1", DACL_ONLY])
