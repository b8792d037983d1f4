"""Experiments: what they are, counting what front ends tell of them, and what the counts say."""
