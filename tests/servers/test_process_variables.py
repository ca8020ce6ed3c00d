"""Variables of the process, which some servers copy into every environ: nobody is a client by them."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["wsgiref", "granian, wsgi"])
def test_a_certificate_in_the_variables_of_the_process_is_read_only_where_they_are_named(start, pki, name):
    pem = pki.alice.pem
    variables = {
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_CERT": pem,
        "HTTPS_CC": pem,
        "HTTPS_CLIENT_CERTIFICATE": pem,
    }
    status, known = start(name, environ=variables).ask()
    assert status == 200
    assert known["tls"]["socket"] is None  # what is read where nothing is named
    # It is there, for who names a source under the wrong server. Of uWSGI's variables, one is read, and as DER: that is
    # no certificate, for each has a NUL, which a variable of a process cannot hold.
    assert known["tls"]["mod_ssl"] == {"authorized": True, "certificates": 1}
    assert known["tls"]["uwsgi"] == {"authorized": True, "certificates": 1}
