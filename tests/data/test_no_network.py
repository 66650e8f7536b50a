"""Listing and checking data sets opens no connection, and tests cannot open any."""

import socket

import pytest
from data_trees import make_london
from pytest_socket import SocketBlockedError

from ferkit.data import available, check_dataset


def test_tests_have_no_network():
    warning = pytest.warns(UserWarning, match="tried to use socket")
    with warning, pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))


def test_listing_and_checking_open_no_connection(tmp_path):
    make_london(tmp_path / "london-faces")
    table = available(tmp_path).set_index("name")
    assert table.loc["london", "found"] == str(tmp_path / "london-faces")
    assert len(check_dataset("london", tmp_path).counts)
