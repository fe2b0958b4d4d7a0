"""The edge: HTTP in, validated, acknowledged. The only importer of fastapi."""
