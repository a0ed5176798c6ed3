"""``golf submit``: one row of a finished matrix as a record folder of the challenge."""
