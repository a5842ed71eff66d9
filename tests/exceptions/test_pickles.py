"""Pickles are read by earlier and later versions: the paths that they name stay."""

from __future__ import annotations

import pickle
import pickletools
from typing import Final

import pytest

from molam_sdk import exceptions

OLD_PICKLES: Final = {
    "of an APIError": (
        b"cmolam_sdk.exceptions\n_rebuild\np0\n(cmolam_sdk.exceptions\nAPIError\np1\n(I402\nVdeclined\np2\n(dp3\n"
        b"Vcode\np4\nVx\np5\nsVreq_1\np6\ntp7\n(dp8\nVmessage\np9\ng2\nsVoccurred_at\np10\nF1.5\nsVstatus_code\n"
        b"p11\nI402\nsVbody\np12\ng3\nsVrequest_id\np13\ng6\nsg4\nNsVparam\np14\nNstp15\nRp16\n."
    ),
    "with its request": (
        b"cmolam_sdk.exceptions\n_rebuild\np0\n(cmolam_sdk.exceptions\nNetworkError\np1\n(Vgone\np2\ntp3\n(dp4\n"
        b"Vmessage\np5\ng2\nsVoccurred_at\np6\nF1.5\nsVoutcome\np7\nVunknown\np8\nsVrequest\np9\n"
        b"ccopy_reg\n_reconstructor\np10\n(cmolam_sdk.exceptions\nSentRequest\np11\nc__builtin__\nobject\np12\nNtp13\n"
        b"Rp14\n(lp15\nVcreate_refund\np16\naVPOST\np17\naV/v1/connect/refunds\np18\nac_codecs\nencode\np19\n(V{}\n"
        b"p20\nVlatin1\np21\ntp22\nRp23\naVk1\np24\nabstp25\nRp26\n."
    ),
}
"""Made by earlier versions, before the classes were defined in files of their own."""


@pytest.mark.parametrize("which", OLD_PICKLES)
def test_a_pickle_of_an_earlier_version_is_read(which: str) -> None:
    error = pickle.loads(OLD_PICKLES[which])
    assert (type(error).__module__, error.occurred_at) == ("molam_sdk.exceptions", 1.5)
    if error.request is not None:
        assert error.request == exceptions.SentRequest("create_refund", "POST", "/v1/connect/refunds", b"{}", "k1")


def test_a_pickle_names_public_paths_alone() -> None:
    error = exceptions.NetworkError("gone", outcome="unknown")
    error.request = exceptions.SentRequest("create_refund", "POST", "/v1/connect/refunds", b"{}", "k1")
    named = {
        argument.partition(" ")[0]
        for code, argument, _ in pickletools.genops(pickle.dumps(error, 0))
        if code.name == "GLOBAL"
    }
    assert {name for name in named if name.startswith("molam_sdk")} == {"molam_sdk.exceptions"}
