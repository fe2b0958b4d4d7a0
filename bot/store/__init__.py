"""The database: tables, and one module of statements for each kind of fact."""
