"""Writes what `clientcert proxy-config` prints into the examples: run it after a change of a configuration."""

from __future__ import annotations

from pathlib import Path

from clientcert.proxy_config import CONFIGURATIONS

HERE = Path(__file__).parent
SETTINGS = {
    "listen_host": "127.0.0.1",
    "listen_port": "8443",
    "server_name": "localhost",
    "certificate": "certificates/server.pem",
    "key": "certificates/server.key",
    "clients_ca": "certificates/clients-ca.pem",
}


def files() -> dict[Path, str]:
    """Return the files that are printed, with what must be in them."""
    printed = {}
    for name in ("nginx", "haproxy", "apache", "caddy", "traefik", "envoy"):
        configuration = CONFIGURATIONS[name]
        suffix = Path(configuration.file).suffix
        settings = {key: value for key, value in SETTINGS.items() if key in configuration.settings}
        printed[HERE / name / f"clientcert{suffix}"] = configuration.configuration(settings)
        printed[HERE / name / "app.py"] = configuration.application()
    ingress = CONFIGURATIONS["ingress-nginx"]
    in_cluster = {"upstream_host": "0.0.0.0", "proxy_address": "10.244.0.0/16"}
    printed[HERE / "ingress-nginx" / "clientcert.yaml"] = ingress.configuration(in_cluster)
    printed[HERE / "ingress-nginx" / "app.py"] = ingress.application(in_cluster)
    return printed


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
