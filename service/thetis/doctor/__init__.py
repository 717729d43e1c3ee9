"""`thetis doctor`: is everything set up right, here and at Shopify, Supabase, Knock and Resend?

checks.py        what a check is, and what it may find
examination.py   runs them: at the same time where they can, each within its deadline
known.py         the settings as far as they are right
asking.py        one question over HTTP
report.py        the findings, for people and for programs
and a file for each party that is asked.
"""
