"""The voter's page as everybody gets it, held against the list that the ballot log names (`page-assets`)."""
