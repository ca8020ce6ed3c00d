"""What makes a server give the certificate of a direct TLS connection, and the transport peer, to ASGI applications.

Nothing here is imported unless it is named. WSGI needs none of it: gunicorn and werkzeug put the socket into the
environ, where `clientcert.wsgi` finds it.
"""
