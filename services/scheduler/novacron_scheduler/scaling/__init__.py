"""What size a VM should have: forecasts of its need out of its history, and how far they can be trusted.

Pure functions over arrays. ``history`` is what was measured, ``baseline`` and ``holt_winters`` forecast quantiles of it,
``backtest`` measures them against the past and picks one, ``recommendation`` makes a size of it in words, and ``replay``
tells what following the recommendations would have been like.
"""
