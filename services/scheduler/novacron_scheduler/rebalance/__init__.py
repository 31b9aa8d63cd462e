"""Moves that would make a running cluster better: proposed, never made here.

``snapshot`` is what there is, ``policy`` what is wanted, ``problem`` which moves are allowed and what they gain. ``highs``
finds the best moves within a time limit, ``best_fit`` good ones at once, and ``proposal`` takes the better and says why.
"""
