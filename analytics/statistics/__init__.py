"""The statistics of experiments: pure functions over counts. They know no tables."""
