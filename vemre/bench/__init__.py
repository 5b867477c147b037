"""`vemre bench`: measurements whose targets are part of the product. They work in a checkout, with `benchmarks/`."""
