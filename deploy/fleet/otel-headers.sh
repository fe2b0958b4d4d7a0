#!/bin/sh
# Prints the headers of telemetry as Claude Code wants them, with the token of this machine's login.
# https://code.claude.com/docs/en/monitoring-usage
config="${XDG_CONFIG_HOME:-$HOME/.config}/mergecost/config.toml"
sed -n 's/^token = \["*\(mergecost_ingest_[A-Za-z0-9_-]*\)".*/\1/p; s/^token = "\(mergecost_ingest_[A-Za-z0-9_-]*\)".*/\1/p' "$config" |
  head -n 1 | sed 's/.*/{"Authorization": "Bearer &"}/'
