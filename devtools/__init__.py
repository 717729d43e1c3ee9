"""The local platform: an embedded Postgres, what Supabase adds to it, and sample payloads."""
