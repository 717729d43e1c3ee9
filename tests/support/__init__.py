"""What the tests stand on: real databases, real people, Shopify's payloads in short."""
