# Written by protos/generate.py from protos: edit that instead.
