"""What every PDF of the product is written on. The library is heavy: import ``common.paper.sheet`` where it is used."""
