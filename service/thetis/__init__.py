"""Thetis: Shopify orders in, course access and post-purchase messages out.

Postgres decides; this package translates. Its way through:

    app -> webhooks -> shopify (payloads) -> batching -> database (SQL functions)
    worker -> database (outbox) -> senders (Knock, Resend)
"""
