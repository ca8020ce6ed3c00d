"""A Lambda function behind an API Gateway that knows its clients by their certificates."""

from typing import Any

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.aws_lambda import with_client_certificate

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that which API Gateway has verified. Behind a load balancer, write instead, and invoker="alb":
    # certificate_source="aws-alb-verify", trusted_proxies="*": only the load balancer may invoke the function.
)


@with_client_certificate(strategy, invoker="api-gateway", required=False)
def greet(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer anybody, by name if there is a certificate."""
    certificate = event["client_certificate"]
    name = certificate["subject"]["CN"] if certificate else "stranger"
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": f"Hello {name}\n"}


@with_client_certificate(strategy, invoker="api-gateway")
def account(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = event["client_user"]  # a policy makes the certificate the user; verify may return another
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": certificate["fingerprint256"]}
