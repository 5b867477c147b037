"""What the three services share.

An authority's service is `app.make_app` with its own routes, a `log_routes` router for its log, a `writer.Writer`
in front of its store, `follower.Follower`s of the other logs, and `serve.serve` to run it. Errors raised anywhere
(`CheckFailed`, `Refused`) become problem documents in `problems`, in one place.
"""
