"""Mutation testing: small changes to the product's source, each of which some test has to notice."""
